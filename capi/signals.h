/* Puts handlers that serve host and Go before Go's own; called once Go's are in place. */
void hp_chain_signals(void);
