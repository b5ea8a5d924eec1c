"""How a net that denoises becomes restored film: schedules, samplers, noise, tiles, the global residual, memory. Plain functions on arrays,
of numpy and torch alike; knows no net.
"""
