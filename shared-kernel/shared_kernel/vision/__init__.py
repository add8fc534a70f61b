"""How pictures become faces: what every service that looks at pictures shares.

`pictures` and `decoding` turn strangers' bytes into pixels, `models` know what goes into a network and what comes out,
`sessions` know the runtimes, `networks` puts our own together. Whoever imports one of these needs the packages of the
extra `vision`; the rest of the kernel does not.
"""
