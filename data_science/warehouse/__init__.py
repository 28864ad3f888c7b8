"""Where the data live: the fitted model as a query that their engine runs, and the data set as its aggregates.

Needs the extra ``warehouse``; Ibis compiles, and nothing here knows an engine but by its dialect.
"""
