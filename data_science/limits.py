"""Every limit by which a fit, or what is said about it, is judged; each beside its source."""

#: Largest r_hat of any parameter, and least effective sample size, bulk and tail: Vehtari, Gelman, Simpson,
#: Carpenter and Bürkner 2021, doi:10.1214/20-BA1221.
RHAT_MAX = 1.01
ESS_MIN = 400.0
#: Divergent transitions: Betancourt 2017, arXiv:1701.02434, section 6.2.
DIVERGENCES_MAX = 0
#: Share of divergent transitions beyond which no smaller steps save a fit: stricter settings left none of
#: 9 %, some of 13 %, and where a flat prior leaves effects to the data 60 to 95 % diverge.
DIVERGENT_SHARE_MAX = 0.25
#: Least energy Bayesian fraction of missing information of any chain: Betancourt 2016, arXiv:1604.00695.
BFMI_MIN = 0.3
#: Largest Pareto k-hat with which importance sampling can be relied on: Vehtari et al. 2024,
#: jmlr.org/papers/v25/19-556.html, section 3.2.4.
KHAT_MAX = 0.7
#: Nats below which a difference of elpd is small whatever its standard error, whose normal approximation then
#: misleads: Sivula et al., arXiv:2008.10296.
SMALL_ELPD = 4.0
#: Power-scaling sensitivity above which prior or data move the posterior noticeably: Kallioinen, Paananen,
#: Bürkner and Vehtari 2024, doi:10.1007/s11222-023-10366-5.
SENSITIVE = 0.05
#: Probability with which any of a family of effects is called clear although none is there.
FAMILY_ERROR = 0.05
#: Smallest odds ratio per sd that matters: data that would not have shown it leave the question undecided.
OF_INTEREST = 1.2
#: Fewest of the rarer response with which a flexible learner measures anything: of 5 it loses 15 nats.
RARER_MIN = 50
#: Fewest rows, of one trial or many, for such a learner: two of each of its five folds.
ROWS_MIN = 10
#: Chance of a calibration curve below which probabilities do not come true; beside the learner's two standard
#: errors it leaves at most one in twenty forms that hold called wrong.
CALIBRATION_CHANCE = 0.003
#: Share of the response's entropy, or area under the ROC curve, that one column alone reaches when it was
#: recorded after the response rather than before.
LEAK_ENTROPY, LEAK_AUC = 0.9, 0.99
