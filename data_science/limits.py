"""Every limit by which a fit, or what is said about it, is judged; each beside its source."""

#: Largest r_hat of any parameter, and least effective sample size, bulk and tail: Vehtari, Gelman, Simpson,
#: Carpenter and Bürkner 2021, doi:10.1214/20-BA1221.
RHAT_MAX = 1.01
ESS_MIN = 400.0
#: Divergent transitions: Betancourt 2017, arXiv:1701.02434, section 6.2.
DIVERGENCES_MAX = 0
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
