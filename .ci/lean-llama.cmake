# llama.cpp's `common` library (argument and chat parsing) is a large part of a build and no part of an oracle.
# llama-cpp-python forces it on; a file named in CMAKE_PROJECT_llama.cpp_INCLUDE is read after that and turns it off again.
set(LLAMA_BUILD_COMMON OFF)
