"""From rows to a posterior, whoever asks for one: a fit, its baseline, a candidate, a fold."""
