"""A model as it is used: its network, its package of files, its calibrated answers and operating points."""
