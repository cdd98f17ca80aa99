"""Buckets of histograms. Every limit of an objective or a policy stands exactly on an edge."""

STAGE_BUCKETS = (
    0.001,
    0.0025,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.075,
    0.1,
    0.15,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
)
"""Seconds, for a part of an inspection."""

END_TO_END_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.75, 1, 2.5, 5, 10)
"""Seconds, from the request to the answer. Objectives stand exactly on an edge."""

SCORE_BUCKETS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.99, 1.0)
"""Score, 0 to 1, dense around the threshold of 0.9."""

AGE_BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 3600)
"""Seconds, from the capture of a frame to its result: a fast line's takt, and the time after an outage."""

DIFFERENCE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Difference of two scores, 0 to 1. The tolerances of golden frames (0.001, 0.01, 0.05) stand exactly on an edge."""
