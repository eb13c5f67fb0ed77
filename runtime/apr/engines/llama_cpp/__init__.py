"""llama.cpp as an oracle: its C library through ctypes, in a child process, every stage through its eval callback."""
