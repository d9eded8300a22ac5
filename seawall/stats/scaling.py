"""How throughput grows with workers: the universal scalability law, its intervals, and no claim far beyond the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # type: ignore[import-untyped]  # scipy ships no types, and loads its parts when they are used

from seawall.stats.distributions import student_quantile
from seawall.stats.errors import BadFigures, TooFewSamples
from seawall.stats.intervals import Interval
from seawall.stats.quantiles import FloatArray

FEWEST_POINTS = 6
"""Three parameters leave three degrees of freedom then."""
FURTHEST = 2.0
"""So many times the largest measured number of workers: further out the law only says what was put into it."""
_MOST_COHERENCY = 10.0
_FURTHEST_OUT = 1e9


@dataclass(frozen=True)
class ScalingLaw:
    """X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)), fitted to measured points (Gunther 1993)."""

    single: Interval
    """gamma, the throughput of one worker."""
    contention: Interval
    """alpha, the share that all have to take turns at; 0 or more."""
    coherency: Interval
    """beta, what each pair of workers costs; 0 or more."""
    peak: Interval | None
    """The number of workers with the most throughput.

    None where the interval of beta holds 0, so that no peak is shown, or where it lies further out than `FURTHEST`.
    """
    _workers: FloatArray
    _throughput: FloatArray
    _confidence: float

    def throughput(self, workers: float) -> Interval:
        """Estimate the mean throughput of *workers*; raises `BadFigures` further out than `FURTHEST` allows."""
        most = FURTHEST * float(self._workers.max())
        if not 1 <= workers <= most:
            raise BadFigures(f"{workers:g} workers are beyond what was measured: ask for 1 to {most:g}")
        fit = _Fit(self._workers, self._throughput, self._confidence)
        return fit.prediction(workers)


def fit_scaling_law(workers: FloatArray, throughput: FloatArray, confidence: float = 0.95) -> ScalingLaw:
    """Fit the law to *throughput* of *workers*, shape ``(points,)`` each; a number of workers may come several times.

    Least squares of the logarithms, since a throughput errs by a share of itself; the intervals are those of the
    profile (Bates & Watts 1988), which respects that neither alpha nor beta is ever negative. Raises `TooFewSamples`
    below six points or below four different numbers of workers, `BadFigures` where one is not positive and finite.
    """
    if len(workers) != len(throughput):
        raise BadFigures("Each number of workers needs one throughput")
    if not (np.isfinite(workers).all() and np.isfinite(throughput).all() and (throughput > 0).all()):
        raise BadFigures("The law needs positive, finite throughputs")
    if (workers < 1).any():
        raise BadFigures("The law begins with one worker")
    if len(workers) < FEWEST_POINTS or len(np.unique(workers)) < 4:  # noqa: PLR2004 - three parameters, and one to tell
        raise TooFewSamples(
            f"{len(workers)} points do not make a law: measure {FEWEST_POINTS}, of 4 numbers of workers"
        )
    fit = _Fit(workers.astype(np.float64), throughput.astype(np.float64), confidence)
    coherency = fit.coherency()
    peak = None
    if coherency.low > 0:
        found = fit.peak()
        peak = found if found.estimate <= FURTHEST * workers.max() else None
    return ScalingLaw(
        single=fit.prediction(1.0),
        contention=fit.contention(),
        coherency=coherency,
        peak=peak,
        _workers=fit.workers,
        _throughput=fit.throughput,
        _confidence=confidence,
    )


def gain_of_each(workers: FloatArray, throughput: FloatArray, confidence: float = 0.95) -> Interval:
    """Estimate by which power of their number each worker carries more: 0 is independence, below it the law holds.

    The slope of log(throughput / workers) over log(workers), by least squares. Where its whole interval lies above 0,
    each carries more the more there are, which the law has no parameter for. Raises `TooFewSamples` below three
    points, `BadFigures` where all numbers of workers are the same.
    """
    free = len(workers) - 2
    if free < 1:
        raise TooFewSamples(f"{len(workers)} points have no slope with an interval: measure 3 or more")
    x, y = np.log(workers), np.log(throughput / workers)
    spread = float(((x - x.mean()) ** 2).sum())
    if spread <= 0:
        raise BadFigures("A slope needs different numbers of workers")
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    left = float(((y - y.mean() - slope * (x - x.mean())) ** 2).sum())
    reach = student_quantile(0.5 + confidence / 2, free) * math.sqrt(left / free / spread)
    return Interval(slope, slope - reach, slope + reach)


class _Fit:
    """The best alpha and beta, and how far one can go from there.

    gamma follows from the two: with it free, the mean of the logarithms' residuals is 0.
    """

    def __init__(self, workers: FloatArray, throughput: FloatArray, confidence: float) -> None:
        self.workers, self.throughput = workers, throughput
        self._logs = np.log(throughput / workers)
        self._others = workers - 1
        starts = [(alpha, beta) for alpha in (0.0, 0.05, 0.5) for beta in (0.0, 1e-3, 0.05)]
        found = [
            scipy.optimize.least_squares(
                lambda both: self._residuals(*both),
                start,
                bounds=([0, 0], [1, _MOST_COHERENCY]),
                xtol=1e-12,
                ftol=1e-12,
            )
            for start in starts
        ]
        best = min(found, key=lambda one: one.cost)
        self._alpha, self._beta = map(float, best.x)
        free = len(workers) - 3
        reach = student_quantile(0.5 + confidence / 2, free)
        least = self._squares(self._alpha, self._beta)
        # where points lie on the law to the last digit, rounding must not make an interval
        self._most = least * (1 + reach**2 / free) + 1e-16

    def contention(self) -> Interval:
        """Return alpha."""
        return self._profiled(self._alpha, 0.0, 1.0, lambda alpha: self._least(lambda beta: self._squares(alpha, beta)))

    def coherency(self) -> Interval:
        """Return beta."""
        return self._profiled(
            self._beta, 0.0, _MOST_COHERENCY, lambda beta: self._least(lambda alpha: self._squares(alpha, beta), 1.0)
        )

    def peak(self) -> Interval:
        """Return the N of the largest X, the root of (1 - alpha)/beta."""
        estimate = math.sqrt((1 - self._alpha) / self._beta)

        def squares(peak: float) -> float:
            return self._least(lambda alpha: self._squares(alpha, (1 - alpha) / peak**2), 1.0)

        return self._profiled(estimate, 1.0, _FURTHEST_OUT, squares)

    def prediction(self, workers: float) -> Interval:
        """Return the mean throughput of *workers*."""
        estimate = math.exp(self._log_single(self._alpha, self._beta)) * workers / self._divisor(workers)

        def squares(throughput: float) -> float:
            """Return the least squares of all laws that go through that point."""

            def residuals(both: FloatArray) -> FloatArray:
                alpha, beta = both
                bend = 1 + alpha * self._others + beta * self.workers * self._others
                here = 1 + alpha * (workers - 1) + beta * workers * (workers - 1)
                found: FloatArray = self._logs - math.log(throughput / workers) - math.log(here) + np.log(bend)
                return found

            start = (self._alpha, self._beta)
            found = scipy.optimize.least_squares(residuals, start, bounds=([0, 0], [1, _MOST_COHERENCY]))
            return 2 * float(found.cost)

        return self._profiled(estimate, estimate / 1e3, estimate * 1e3, squares)

    def _divisor(self, workers: float) -> float:
        return 1 + self._alpha * (workers - 1) + self._beta * workers * (workers - 1)

    def _log_single(self, alpha: float, beta: float) -> float:
        return float((self._logs + np.log(1 + alpha * self._others + beta * self.workers * self._others)).mean())

    def _residuals(self, alpha: float, beta: float) -> FloatArray:
        raw = self._logs + np.log(1 + alpha * self._others + beta * self.workers * self._others)
        found: FloatArray = raw - raw.mean()
        return found

    def _squares(self, alpha: float, beta: float) -> float:
        return float((self._residuals(alpha, beta) ** 2).sum())

    @staticmethod
    def _least(squares: Callable[[float], float], most: float = _MOST_COHERENCY) -> float:
        """Return the least that *squares* comes to between 0 and *most*."""
        found = scipy.optimize.minimize_scalar(
            lambda root: squares(root**2), bounds=(0, math.sqrt(most)), method="bounded", options={"xatol": 1e-9}
        )
        return min(float(found.fun), squares(0.0))

    def _profiled(self, estimate: float, low: float, high: float, squares: Callable[[float], float]) -> Interval:
        """Return all values around *estimate* that leave no more squares than the confidence allows."""

        def excess(value: float) -> float:
            return squares(value) - self._most

        return Interval(estimate, self._end(excess, estimate, low), self._end(excess, estimate, high))

    @staticmethod
    def _end(excess: Callable[[float], float], estimate: float, limit: float) -> float:
        """Return where *excess* becomes positive between *estimate* and *limit*, or *limit* where it never does."""
        inside, reach = estimate, max(abs(estimate), 1e-6) * 0.01
        while True:
            tried = max(limit, inside - reach) if limit < estimate else min(limit, inside + reach)
            if tried == inside:
                return limit
            if excess(tried) > 0:
                return (
                    float(scipy.optimize.brentq(excess, inside, tried, xtol=1e-12, rtol=1e-9))
                    if excess(inside) < 0
                    else inside
                )
            inside, reach = tried, reach * 2
