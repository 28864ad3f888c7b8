"""Whether a stored model still holds, and whether another is better, judged on rows that came later."""
