"""Whether a stored model still holds, and whether another is better, judged on data that training never saw."""
