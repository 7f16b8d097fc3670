package checkpoint

import "fmt"

func (f *Folder) readTorch(name string) error {
	if _, _, err := f.keep(name); err != nil {
		return err
	}
	return fmt.Errorf("%s: pickled tensors cannot be read", f.path(name))
}
