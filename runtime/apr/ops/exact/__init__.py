"""llama.cpp's CPU kernels for AVX2, reproduced to the last bit: summation order, fused multiply-add and exponential.

Covered is what ggml-cpu does with flash attention off and a float32 cache, for one sequence in one batch: one kernel family
a module. Each says which function of ggml it follows; none is an approximation, and what has no exact kernel is refused by
name. Whether a library at hand has these kernels is decided by `apr.engines.llama_cpp.exactness`, never assumed.

Lanes. An AVX2 register holds 8 float32; a dot product is summed in 8 lanes and the lanes are added at the end. Here lanes
are the first axis of an array, so that one numpy operation does the same step of all lanes, positions and rows at once.
"""
