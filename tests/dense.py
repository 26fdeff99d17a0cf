"""The paper's operators as dense float64 matrices and the samplers as affine recursions.

Written a second time, in numpy and from the equations alone, so that the tests compare two
independent accounts. A picture (C,H,W) is a vector in row-major order; X = [x, s d1 x, s d2 x].
"""

from dataclasses import dataclass

import numpy as np

BASIS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


def difference(n, boundary):
    """(n,n) forward difference; the last row is zero (Neumann) or wraps around (periodic)."""
    D = np.zeros((n, n))
    for i in range(n):
        if i < n - 1 or boundary == "periodic":
            D[i, i] -= 1
            D[i, (i + 1) % n] += 1
    return D


def gradients(H, W, boundary="neumann"):
    """The two (HW,HW) matrices of Eq 8."""
    return (
        np.kron(difference(H, boundary), np.eye(W)),
        np.kron(np.eye(H), difference(W, boundary)),
    )


@dataclass
class Lab:
    """Everything about pictures of one size: matrices in the RGB layout."""

    H: int
    W: int
    f: np.ndarray  # (3,) graying weights
    scale: float = 1.0
    channels: int = 9
    boundary: str = "neumann"

    def __post_init__(self):
        G1, G2 = gradients(self.H, self.W, self.boundary)
        n, I3 = self.H * self.W, np.eye(3)
        self.G = [np.kron(I3, G1), np.kron(I3, G2)]  # each (3n,3n)
        self.groups = self.channels // 3
        parts = [np.eye(3 * n), self.scale * self.G[0], self.scale * self.G[1]]
        self.J = np.concatenate(parts[: self.groups])  # (9n,3n): join
        self.F = np.kron(self.f[None], np.eye(n))  # (n,3n): gray
        self.FX = np.kron(np.eye(self.groups), self.F)  # (3n,9n): gray of every group
        self.FXpinv = np.linalg.pinv(self.FX)
        self.L = self.FXpinv @ self.FX  # (9n,9n): the part of X that the photograph tells
        self.R = np.kron(np.eye(self.groups), np.kron(BASIS, np.eye(n)))  # colour rotation
        self.D, self.n = self.channels * n, n
        luma = [g * 3 * n + i for g in range(self.groups) for i in range(n)]
        self.luma = np.array(luma)
        self.chroma = np.setdiff1d(np.arange(self.D), self.luma)

    def known(self, y):
        """(n,) -> (groups n,): [y, s grad y]."""
        G1, G2 = gradients(self.H, self.W, self.boundary)
        return np.concatenate([y, self.scale * G1 @ y, self.scale * G2 @ y][: self.groups])

    def fusion(self, beta):
        """(3n,9n): Eq 14 as one matrix, X -> x."""
        if self.groups == 1:
            return np.eye(3 * self.n)
        K = sum(G.T @ G for G in self.G)
        rows = [np.eye(3 * self.n)] + [beta / self.scale * G.T for G in self.G]
        return np.linalg.solve(np.eye(3 * self.n) + beta * K, np.concatenate(rows, axis=1))

    def noise_cov(self, sigma, sigma_y):
        """(D,D) in the RGB layout: sigma_y on the luma of the rotated basis, sigma elsewhere."""
        v = np.full(self.D, sigma**2)
        v[self.luma] = sigma_y**2
        return self.R.T @ (v[:, None] * self.R)


@dataclass
class Prior:
    """x ~ N(mean, cov) on RGB pictures, and what follows from it exactly."""

    lab: Lab
    mean: np.ndarray  # (3n,)
    cov: np.ndarray  # (3n,3n)

    def __post_init__(self):
        self.mean_X = self.lab.J @ self.mean
        self.cov_X = self.lab.J @ self.cov @ self.lab.J.T

    def denoiser(self, sigma, sigma_y=None):
        """(A, b) of E[X|X~] = A X~ + b."""
        N = self.lab.noise_cov(sigma, sigma if sigma_y is None else sigma_y)
        A = np.linalg.solve(self.cov_X + N, self.cov_X).T
        return A, self.mean_X - A @ self.mean_X

    def posterior(self, y):
        """Mean (3n,) and covariance (3n,3n) of x given F x = y."""
        F = self.lab.F
        gain = np.linalg.solve(F @ self.cov @ F.T, F @ self.cov).T
        return self.mean + gain @ (y - F @ self.mean), self.cov - gain @ F @ self.cov


@dataclass
class Step:
    """s <- M s + c + Q z with fresh z of mean m and variance v."""

    M: np.ndarray
    c: np.ndarray
    Q: np.ndarray | None = None
    uniform: bool = False


def run(steps, draws):
    """Apply a recursion to one scripted list of noise vectors; returns the last state."""
    draws, s = iter(draws), 0.0
    for step in steps:
        s = step.M @ s + step.c if np.ndim(s) else step.c
        if step.Q is not None:
            s = s + step.Q @ next(draws)
    return s


def moments(steps):
    """Mean and covariance of the last state of a recursion, exactly."""
    mean = cov = None
    for step in steps:
        mean = step.c if mean is None else step.M @ mean + step.c
        cov = 0 if cov is None else step.M @ cov @ step.M.T
        if step.Q is not None:
            mean = mean + step.Q.sum(1) / 2 if step.uniform else mean
            cov = cov + step.Q @ step.Q.T / (12 if step.uniform else 1)
    return mean, cov


# -- the samplers, from the equations of the paper and of the design ---------------------------


def langevin_steps(prior, y, *, sigmas, T, epsilon, lam=1.0, beta=5.9, feedback="none"):
    """Algorithm 1 on the exact score of ``prior``; the state is X."""
    lab, eye = prior.lab, np.eye(prior.lab.D)
    lift_y, fused = lab.FXpinv @ lab.known(y), lab.fusion(beta)
    restack = lab.J @ np.eye(3 * lab.n, lab.D)
    put = np.concatenate(
        [fused, np.eye(lab.D)[3 * lab.n :]]
    )  # fused picture, gradients as they are
    yield Step(eye, -np.ones(lab.D), 2 * eye, uniform=True)
    for i, sigma in enumerate(sigmas):
        alpha = epsilon * sigma**2 / sigmas[-1] ** 2
        A, b = prior.denoiser(sigma)
        h = alpha / 2 / sigma**2
        M = eye + h * (A - eye - lam * lab.L)
        c, Q = h * (b + lam * lift_y), np.sqrt(alpha) * eye
        stacked = feedback in ("level", "step") and lab.groups == 3
        M = M @ restack if stacked else M
        plain, fused_step = Step(M, c, Q), Step(put @ M, put @ c, put @ Q)
        for t in range(T):
            fuse_now = feedback == "step" or (feedback == "level" and t == T - 1)
            yield fused_step if fuse_now and stacked else plain
        if feedback == "renoise" and i + 1 < len(sigmas):
            again = lab.J @ fused if lab.groups == 3 else eye
            clean = again @ (eye - lab.L) @ A, again @ ((eye - lab.L) @ b + lift_y)
            yield Step(*clean, sigmas[i + 1] * eye)


def consistent_steps(prior, y, *, sigmas, T, share, lam, beta=5.9, feedback="none", final=False):
    """Algorithm 1 with the consistent noise of arXiv 2009.05475, from its equations; state X.

    In luma the photograph is put into the estimate and pulls with lam as well; each step leaves
    the noise of the next level. Level ends are every T-th step.
    """
    lab, eye, N = prior.lab, np.eye(prior.lab.D), len(sigmas)
    lift_y, fuse = lab.FXpinv @ lab.known(y), lab.J @ lab.fusion(beta) if lab.groups == 3 else eye
    yield Step(eye, lift_y, sigmas[0] * eye)
    for k, sigma in enumerate(sigmas):
        ends, last = (k + 1) % T == 0, k == N - 1
        A, b = prior.denoiser(sigma)
        A, b = (eye - lab.L) @ A, (eye - lab.L) @ b + lift_y
        if last and final:
            yield Step(A, b)
            return
        again = feedback == "renoise" and ends and not last
        if feedback == "step" or (feedback == "level" and ends):
            EA, Eb = fuse @ A, fuse @ b
        else:
            EA, Eb = A, b
        after = sigma if last or again else sigmas[k + 1]
        chroma2 = after**2 - ((1 - share) * sigma) ** 2
        luma2 = after**2 - ((1 - share * (1 + lam)) * sigma) ** 2
        Q = np.sqrt(chroma2) * (eye - lab.L) + np.sqrt(luma2) * lab.L
        M = eye + share * (EA - eye - lam * lab.L)
        yield Step(M, share * (Eb + lam * lift_y), Q)
        if again:
            yield Step(fuse @ A, fuse @ b, sigmas[k + 1] * eye)


def known_part_steps(prior, y, *, sigmas, eta=1.0, beta=0.0, corrections=0, delta=0.1):
    """Null-space sampling, with Langevin corrections at each level if asked for; state X."""
    lab, eye = prior.lab, np.eye(prior.lab.D)
    lift_y = lab.FXpinv @ lab.known(y)
    again = lab.J @ lab.fusion(beta) if beta and lab.groups == 3 else eye
    yield Step(eye, lift_y, sigmas[0] * eye)
    for sigma, after in zip(sigmas, sigmas[1:], strict=False):
        A, b = prior.denoiser(sigma)
        TA, tb = again @ (eye - lab.L) @ A, again @ ((eye - lab.L) @ b + lift_y)
        for _ in range(corrections):
            h = delta / 2
            yield Step((1 - h) * eye + h * TA, h * tb, np.sqrt(delta) * sigma * eye)
        up2 = eta**2 * after**2 * (1 - after**2 / sigma**2)
        k = np.sqrt(after**2 - up2) / sigma
        fresh = np.sqrt(up2) * eye if up2 else None
        yield Step(TA + k * (eye - A), tb - k * b, fresh)


def conditional(prior, y, sigma, sigma_y):
    """The chroma denoiser given clean luma, as (on V, on the last estimate, constant)."""
    lab = prior.lab
    A, b = prior.denoiser(sigma, sigma_y)
    pick, luma = lab.R[lab.chroma], lab.R[lab.luma]
    # luma of X: sqrt(3) (Y - f.chroma of the last estimate), chroma of X: V
    on_clean = -np.sqrt(3) * luma.T @ lab.FX @ pick.T
    const = np.sqrt(3) * luma.T @ lab.known(y)
    return pick @ A @ pick.T, pick @ A @ on_clean, pick @ (A @ const + b)


def split_steps(prior, y, *, sigmas, sigma_y, solver="ancestral", lookahead=1.0, eta=1.0):
    """Split noise; the state is [V, clean] of the six chroma channels, V first."""
    m = len(prior.lab.chroma)
    eye, zero = np.eye(m), np.zeros((m, m))
    initial = np.concatenate([sigmas[0] * eye, zero])
    yield Step(np.eye(2 * m), np.zeros(2 * m), initial)
    for i, (sigma, after) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        P, E, c = conditional(prior, y, sigma, sigma_y)
        clean = np.concatenate([P, E], axis=1)  # (m,2m): new estimate from [V, clean]
        V = np.concatenate([eye, zero], axis=1)
        if after == 0:
            yield Step(np.concatenate([clean, clean]), np.concatenate([c, c]))
        elif solver != "heun":
            q = 0.0  # share of the last change by which "multistep" looks ahead
            if solver == "multistep" and i:
                q = lookahead * np.log(sigma / after) / np.log(sigmas[i - 1] / sigma) / 2
            last = np.concatenate([zero, eye], axis=1)
            ahead, ahead_c = (1 + q) * clean - q * last, (1 + q) * c
            up2 = eta**2 * after**2 * (1 - after**2 / sigma**2)
            k = np.sqrt(after**2 - up2) / sigma
            fresh = np.concatenate([np.sqrt(up2) * eye, zero]) if up2 else None
            M = np.concatenate([(1 - k) * ahead + k * V, clean])
            yield Step(M, np.concatenate([(1 - k) * ahead_c, c]), fresh)
        else:
            h, slope, slope_c = after - sigma, (V - clean) / sigma, -c / sigma
            P2, E2, c2 = conditional(prior, y, after, sigma_y)
            ahead, ahead_c = V + h * slope, h * slope_c
            slope2 = (ahead - P2 @ ahead - E2 @ clean) / after
            slope2_c = (ahead_c - P2 @ ahead_c - E2 @ c - c2) / after
            M = np.concatenate([V + h / 2 * (slope + slope2), clean])
            yield Step(M, np.concatenate([h / 2 * (slope_c + slope2_c), c]))


def split_state(prior, y):
    """(M, c) of X = M [V, clean] + c: what the network sees, in the RGB layout."""
    lab = prior.lab
    pick, luma = lab.R[lab.chroma], lab.R[lab.luma]
    on_clean = -np.sqrt(3) * luma.T @ lab.FX @ pick.T
    return np.concatenate([pick.T, on_clean], axis=1), np.sqrt(3) * luma.T @ lab.known(y)


def photographic(lab, variance=0.05, seed=0):
    """A smooth prior of correlated colours, like photographs: mean near 0.5, reach 1.5 pixels."""
    place = np.array([(i, j) for i in range(lab.H) for j in range(lab.W)])
    reach = np.exp(-((place[:, None] - place[None]) ** 2).sum(-1) / 2 / 1.5**2)
    colours = np.array([[1, 0.8, 0.5], [0.8, 1, 0.75], [0.5, 0.75, 1]])
    mean = 0.5 + 0.05 * np.random.default_rng(seed).standard_normal(3 * lab.n)
    return Prior(lab, mean, variance * (np.kron(colours, reach) + 0.02 * np.eye(3 * lab.n)))
