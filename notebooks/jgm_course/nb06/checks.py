"""Checkers of lesson 06."""

import numpy as np

from ..checking import Hint, close, exercise


def _keep(sigma_next, up):
    return max(0.0, sigma_next**2 - up**2) ** 0.5


def _constant(sigma, sigma_next, eta):
    return eta * sigma_next, _keep(sigma_next, eta * sigma_next)


def _ratio(sigma, sigma_next, eta):
    up = eta * sigma_next * (1 - sigma_next / sigma) ** 0.5
    return up, _keep(sigma_next, up)


def _linear_keep(sigma, sigma_next, eta):
    up = eta * sigma_next * (1 - (sigma_next / sigma) ** 2) ** 0.5
    return up, sigma_next - up


@exercise(
    "06",
    "fresh_noise",
    wrong={
        "constant share": (_constant, "constant share"),
        "sigma for sigma^2": (_ratio, "square"),
        "deviations subtracted": (_linear_keep, "variances"),
    },
)
def check_fresh_noise(answer):
    """The rule of (b) at three step sizes."""
    up, keep = answer(2.0, 1.0, 1.0)
    if abs(up - 1.0) < 1e-9:
        raise Hint(
            "a constant share of fresh noise fades the colours: it must vanish for small steps"
        )
    if abs(up - 0.5**0.5) < 1e-9:
        raise Hint("the ratio of the noise levels enters as a square, sigma'^2/sigma^2")
    close(up, 0.75**0.5, "sigma_up = eta sigma' sqrt(1 - sigma'^2/sigma^2)")
    if abs(keep - (1.0 - up)) < 1e-9:
        raise Hint("old and fresh noise are independent: their variances add up to sigma'^2")
    close(keep, 0.5, "what is kept is sqrt(sigma'^2 - sigma_up^2)")
    close(answer(2.0, 1.0, 0.0), (0.0, 1.0), "eta = 0 adds nothing and keeps all the noise")
    close(answer(3.0, 0.6, 0.5), (0.3 * 0.96**0.5, (0.36 - 0.09 * 0.96) ** 0.5), "scale up by eta")


def _no_inverse(m_u, m_c, C_uu, C_cu, C_cc, u):
    return m_c + C_cu @ (u - m_u), C_cc - C_cu @ C_cu.T


def _added(m_u, m_c, C_uu, C_cu, C_cc, u):
    gain = np.linalg.solve(C_uu, C_cu.T).T
    return m_c + gain @ (u - m_u), C_cc + gain @ C_cu.T


def _uncentred(m_u, m_c, C_uu, C_cu, C_cc, u):
    gain = np.linalg.solve(C_uu, C_cu.T).T
    return m_c + gain @ u, C_cc - gain @ C_cu.T


@exercise(
    "06",
    "conditional",
    wrong={
        "no inverse": (_no_inverse, "C_uu"),
        "covariance added": (_added, "minus"),
        "mean not taken off": (_uncentred, "m_u"),
    },
)
def check_conditional(answer):
    """Against the precision matrix: the covariance of c given u is the inverse of its block."""
    A = np.random.default_rng(0).normal(size=(5, 5))
    C = A @ A.T + np.eye(5)
    m, u = np.arange(5.0), np.array([1.0, -1.0])
    P = np.linalg.inv(C)[2:, 2:]
    mean = m[2:] - np.linalg.solve(P, np.linalg.inv(C)[2:, :2] @ (u - m[:2]))
    got_mean, got_cov = answer(m[:2], m[2:], C[:2, :2], C[2:, :2], C[2:, 2:], u)
    at_rest = answer(m[:2], m[2:], C[:2, :2], C[2:, :2], C[2:, 2:], m[:2])[0]
    close(at_rest, m[2:], "a grey equal to its mean m_u tells nothing: c stays at its own mean")
    if np.trace(np.asarray(got_cov)) > np.trace(C[2:, 2:]) + 1e-9:
        raise Hint("knowing u can only lower the variance of c: minus, not plus")
    close(
        got_mean, mean, "the gain is C_cu C_uu^-1: divide by the covariance of what is known, C_uu"
    )
    close(got_cov, np.linalg.inv(P), "the covariance is C_cc - C_cu C_uu^-1 C_uc")


def _euler(x, sigma, sigma_next, D):
    return x + (sigma_next - sigma) * (x - D(x, sigma)) / sigma


def _not_halved(x, sigma, sigma_next, D):
    slope = (x - D(x, sigma)) / sigma
    ahead = x + (sigma_next - sigma) * slope
    return x + (sigma_next - sigma) * (slope + (ahead - D(ahead, sigma_next)) / sigma_next)


def _wrong_way(x, sigma, sigma_next, D):
    slope = (x - D(x, sigma)) / sigma
    ahead = x + (sigma - sigma_next) * slope
    return x + (sigma - sigma_next) * (slope + (ahead - D(ahead, sigma_next)) / sigma_next) / 2


def _midpoint(x, sigma, sigma_next, D):
    middle = (sigma + sigma_next) / 2
    half = x + (middle - sigma) * (x - D(x, sigma)) / sigma
    return x + (sigma_next - sigma) * (half - D(half, middle)) / middle


def _heun(x, sigma, sigma_next, D):
    slope = (x - D(x, sigma)) / sigma
    ahead = x + (sigma_next - sigma) * slope
    return x + (sigma_next - sigma) * (slope + (ahead - D(ahead, sigma_next)) / sigma_next) / 2


def _old_sigma(x, sigma, sigma_next, D):
    slope = (x - D(x, sigma)) / sigma
    ahead = x + (sigma_next - sigma) * slope
    return x + (sigma_next - sigma) * (slope + (ahead - D(ahead, sigma)) / sigma) / 2


@exercise(
    "06",
    "heun",
    wrong={
        "Euler": (_euler, "Euler"),
        "sum for mean": (_not_halved, "mean"),
        "sign": (_wrong_way, "sign"),
        "old sigma in the second slope": (_old_sigma, "sigma_next"),
        "midpoint": (_midpoint, "middle"),
    },
)
def check_heun(answer):
    """On N(0, 1), where dx/dsigma = x sigma/(1 + sigma^2) has the solution sqrt(1 + sigma^2)."""

    def D(x, sigma):
        return x / (1 + sigma**2)

    x, s, t = np.array([1.0, -2.0]), 1.0, 0.8
    got = np.asarray(answer(x, s, t, D))
    if np.allclose(got, _euler(x, s, t, D)):
        raise Hint("that is Euler's step: look at the slope at the other end as well")
    if np.allclose(got, _wrong_way(x, s, t, D)):
        raise Hint("the sign: sigma_next - sigma is negative, x must shrink here")
    if np.allclose(got, _not_halved(x, s, t, D)):
        raise Hint("take the mean of the two slopes, not their sum")
    if np.allclose(got, _old_sigma(x, s, t, D)):
        raise Hint("the second slope belongs to sigma_next, in D and in the division")
    if np.allclose(got, _midpoint(x, s, t, D)):
        raise Hint(
            "as good, but not Heun's: the second slope is taken at sigma_next, not in the middle"
        )
    true = x * ((1 + t**2) / (1 + s**2)) ** 0.5
    close(got, true, "the step should be right to second order", rtol=2e-3)
    close(
        got, _heun(x, s, t, D), "the mean of the slopes at sigma and, after a step, at sigma_next"
    )
    calls = []
    answer(x, s, t, lambda a, b: calls.append(b) or D(a, b))
    if len(calls) != 2:
        raise Hint(f"a Heun step evaluates D twice, yours did {len(calls)} times")
