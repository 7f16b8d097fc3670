"""Dense decoders."""

from recipes import old_form, recipe

OLD = {"4x": old_form}

LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}

recipe("llama", "Llama", pre="llama-bpe", forms=OLD, tie_word_embeddings=True, rope_parameters=LLAMA3)
