package main

// #include "signals.h"
import "C"

// By now the runtime has installed its signal handlers.
func init() { C.hp_chain_signals() }
