"""The reader of theory files under damage: mutants of the shipped files, each read by a process that watches itself and is given five seconds."""
