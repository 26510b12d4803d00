"""Networks in other runtimes: ncnn, and the speed of raw networks side by side."""
