"""What each sample job shall compute, written a second time in plain Python, from the formats' descriptions.

Each module has `run(input) -> output`. A job whose output is not unique (a compressor) has `explain(input, output)`
instead, which returns what is wrong with an output, or None.
"""
