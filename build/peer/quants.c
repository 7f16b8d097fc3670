/* ggml's own conversions of one tensor type, from stdin to stdout, both raw and little-endian.
 * usage: hpllm-peer-quants dequantize TYPE COLUMNS < BLOCKS > FLOATS
 *        hpllm-peer-quants quantize TYPE COLUMNS [IMPORTANCE] < FLOATS > BLOCKS
 * TYPE: ggml's number; COLUMNS: elements of a row; IMPORTANCE: a file with a float a column. */
#include <ggml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what) {
    fprintf(stderr, "peer: %s\n", what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc < 4) die("usage: hpllm-peer-quants dequantize|quantize TYPE COLUMNS [IMPORTANCE]");
    enum ggml_type type = atoi(argv[2]);
    size_t columns = strtoull(argv[3], NULL, 10);
    if (type < 0 || type >= GGML_TYPE_COUNT || columns == 0 || columns % ggml_blck_size(type)) die("bad type or columns");
    size_t bytes = ggml_row_size(type, columns);
    float *row = malloc(columns * sizeof *row), *weights = NULL;
    void *blocks = malloc(bytes);
    if (!row || !blocks) die("out of memory");
    if (argc > 4) {
        FILE *in = fopen(argv[4], "rb");
        weights = malloc(columns * sizeof *weights);
        if (!in || !weights || fread(weights, sizeof *weights, columns, in) != columns) die("cannot read the importances");
        fclose(in);
    }
    if (!strcmp(argv[1], "dequantize")) {
        ggml_to_float_t convert = ggml_get_type_traits(type)->to_float;
        if (!convert) die("the type cannot be dequantized");
        while (fread(blocks, 1, bytes, stdin) == bytes) {
            convert(blocks, row, columns);
            if (fwrite(row, sizeof *row, columns, stdout) != columns) die("cannot write");
        }
        return fflush(stdout) ? 1 : 0;
    }
    ggml_quantize_init(type);
    while (fread(row, sizeof *row, columns, stdin) == columns) {
        ggml_quantize_chunk(type, row, blocks, 0, 1, columns, weights);
        if (fwrite(blocks, 1, bytes, stdout) != bytes) die("cannot write");
    }
    return fflush(stdout) ? 1 : 0;
}
