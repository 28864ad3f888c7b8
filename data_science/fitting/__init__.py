"""From rows to a posterior, whatever asks for one: a fit, its baseline, a candidate, a fold."""
