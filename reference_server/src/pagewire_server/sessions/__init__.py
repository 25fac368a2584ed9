"""Sessions without IO: what a session sends and awaits, how a hello is answered, which sessions there are."""
