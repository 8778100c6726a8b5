"""Swaps of two rows between paired groups: every gain from one matrix product, one swap a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparselab.analysis.similarity import count_product
from sparselab.core.mask import IntVector
from sparselab.core.strips import row_strips

if TYPE_CHECKING:
    import torch

SLOPES = 8
"""Slopes are whole eighths, so that products come out the same in any order."""

_EXACT = 2**24  # float32 holds every whole number up to here
_STEP_LEVEL, _STEP_MEANS = 4, 2.0  # m is two mean scores: large scores decide which columns are bought
_MOST_CANDIDATES = 64
_CHUNK = 2**21  # numbers in a chunk of a product: what a processor's cache holds beats what memory holds


class Swaps:
    """Rows in groups, and how much a bound on what a budget keeps changes when two rows change places.

    At price t[g] for one column of group g the bound is F = sum over g, c of f(S[g, c]), f(s) = max(0, s - t[g]). With
    up = f(s + m) - f(s) and down = f(s) - f(s - m), row i of group a and row j of group b changing places changes F by

        x_i . (up_b - down_a) + x_j . (up_a - down_b) - (x_i * x_j) . (up_a - down_a + up_b - down_b)    [in units of m]

    A column that both rows keep stays as it was: the last term takes back what the first two said of it. With counts
    (m = 1) this is exact; with |w| or w^2, m is twice the mean score and whole levels stand in for scores, so a swap of
    the descent is also checked on the scores themselves. Every number is whole and small, so threads and devices agree.
    """

    def __init__(self, scores: torch.Tensor, groups: tuple[IntVector, ...]) -> None:
        import torch

        self.counts = scores.dtype == torch.int8
        self.scores = scores
        self.levels, self.step_level, self.step = (scores, 1, 1.0) if self.counts else _levels(scores)
        self.sizes = np.array([rows.size for rows in groups])
        self.starts = np.cumsum(self.sizes) - self.sizes
        rows = int(self.sizes.sum())
        self.candidates = int(min(self.sizes.max(), _MOST_CANDIDATES, 4 * -(-rows // len(groups))))
        self.place(groups)
        # Two rows drawn at random gain about the root of what a row holds: the unit in which temperatures are given.
        # Squares are whole numbers, summed as such: exact, whatever the order.
        strips = (self.levels[strip].to(torch.int16).square_() for strip in row_strips(*self.levels.shape))
        spread = sum(int(squares.sum()) for squares in strips) / rows
        self.unit = SLOPES * self.step_level * float(np.sqrt(spread))

    def place(self, groups: tuple[IntVector, ...]) -> None:
        """Put the rows where `groups`, of the same sizes, say."""
        import torch

        kind = torch.float32 if self.counts else torch.float64
        self.order = np.concatenate(groups)
        self.sums = torch.stack([self._rows(self.scores, rows).sum(dim=0, dtype=kind) for rows in groups])

    def groups(self) -> tuple[IntVector, ...]:
        """Return the rows of each group, ascending."""
        return tuple(np.sort(rows) for rows in np.split(self.order, self.starts[1:]))

    def sweep(
        self, left: IntVector, right: IntVector, prices: NDArray[np.float64], heat: float, rng: np.random.Generator
    ) -> int:
        """Let every pair (left[p], right[p]) swap one row each, or none; return how many pairs did.

        A swap of gain d is chosen with probability proportional to exp(d / (heat * unit)); at heat 0 the best one, if
        it gains. `prices` is the price of one column of each group.
        """
        price = self._prices(prices)
        slots_left, slots_right = self._slots(left, rng), self._slots(right, rng)
        gains = self._gains(left, right, self.order[slots_left], self.order[slots_right], price)
        pick, moved = _choose(gains.reshape(len(left), -1), heat * self.unit, rng)
        place_left, place_right = np.divmod(pick, self.candidates)
        pairs = np.flatnonzero(moved)
        slots_left, slots_right = slots_left[pairs, place_left[pairs]], slots_right[pairs, place_right[pairs]]
        return self._swap(
            left[pairs], right[pairs], slots_left, slots_right, price, check=heat == 0 and not self.counts
        )

    def _rows(self, matrix: torch.Tensor, rows: IntVector) -> torch.Tensor:
        import torch

        return matrix.index_select(0, torch.as_tensor(rows.reshape(-1), device=matrix.device))

    def _prices(self, prices: NDArray[np.float64]) -> torch.Tensor:
        import torch

        # Scores of weights reach 2**30: whole prices lose nothing there and keep every sum exact.
        whole = prices if self.counts else np.rint(prices)
        return torch.as_tensor(whole, dtype=self.sums.dtype, device=self.sums.device)[:, None]

    def _slots(self, groups: IntVector, rng: np.random.Generator) -> IntVector:
        """Places in `order` of the candidates of each group: all its rows, or a run of them from a random place on."""
        sizes = self.sizes[groups][:, None]
        offset = rng.integers(0, sizes) if self.candidates < self.sizes.max() else 0
        slots: IntVector = self.starts[groups][:, None] + (offset + np.arange(self.candidates)) % sizes
        return slots

    def _gains(
        self, left: IntVector, right: IntVector, rows_left: IntVector, rows_right: IntVector, price: torch.Tensor
    ) -> NDArray[np.float32]:
        """Return the gain of swapping candidate i of left[p] with candidate j of right[p], in SLOPES * step_level-ths."""
        import torch

        # A CPU multiplies bytes twice as fast as floats, and counts fit into them.
        kind = torch.int8 if self.counts and price.device.type == "cpu" else torch.float32
        over = self.sums - price
        up, down = _slope(over + self.step, self.step).to(kind), _slope(over, self.step).to(kind)
        bend = up - down
        chunk = max(1, _CHUNK // (self.candidates * self.sums.shape[1]))
        parts = []
        for start in range(0, len(left), chunk):
            part = slice(start, start + chunk)
            a, b = left[part], right[part]
            shape = (len(a), self.candidates, self.sums.shape[1])
            x = self._rows(self.levels, rows_left[part]).to(kind).view(shape)
            y = self._rows(self.levels, rows_right[part]).to(kind).view(shape)
            # One product holds both what x brings by itself and what it shares with y.
            alone = self.step_level * (self._rows(up, b) - self._rows(down, a))
            bends = self._rows(bend, a) + self._rows(bend, b)
            both = _products(x, torch.addcmul(alone[:, None], y, bends[:, None], value=-1))
            of_y = _each_with_its_own(y, self._rows(up, a) - self._rows(down, b))
            parts.append(both + self.step_level * of_y[:, None])
        gains: NDArray[np.float32] = torch.cat(parts).to(torch.float32).cpu().numpy()
        return gains

    def _swap(
        self,
        left: IntVector,
        right: IntVector,
        slots_left: IntVector,
        slots_right: IntVector,
        price: torch.Tensor,
        *,
        check: bool,
    ) -> int:
        import torch

        if not left.size:
            return 0
        a, b = (torch.as_tensor(side, device=self.sums.device) for side in (left, right))
        rows_left, rows_right = self.order[slots_left], self.order[slots_right]
        change = (self._rows(self.scores, rows_right) - self._rows(self.scores, rows_left)).to(self.sums.dtype)
        if check:
            before = torch.relu(self.sums[a] - price[a]) + torch.relu(self.sums[b] - price[b])
            after = torch.relu(self.sums[a] + change - price[a]) + torch.relu(self.sums[b] - change - price[b])
            better = (after - before).sum(dim=1) > 0
            keep = better.cpu().numpy()
            a, b, change = a[better], b[better], change[better]
            slots_left, slots_right = slots_left[keep], slots_right[keep]
            rows_left, rows_right = rows_left[keep], rows_right[keep]
        self.sums.index_add_(0, a, change)
        self.sums.index_add_(0, b, change, alpha=-1)
        self.order[slots_left], self.order[slots_right] = rows_right, rows_left
        return int(slots_left.size)


def _levels(scores: torch.Tensor) -> tuple[torch.Tensor, int, float]:
    """Return scores as small whole levels, the level of one step m, and the score of one step."""
    import torch

    # The largest sum that `_gains` can form then stays below what float32 holds exactly.
    highest = max(1, min(31, int(np.sqrt(_EXACT / (4 * SLOPES * scores.shape[1])))))
    step_level = max(1, min(_STEP_LEVEL, highest // 2))
    step = max(1.0, _STEP_MEANS * scores.sum().item() / max(1, int((scores > 0).sum())))
    levels = torch.round(scores * (step_level / step)).clamp_(max=highest)
    return levels.to(torch.int8), step_level, step


def _products(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return left[p] @ right[p].T for every p."""
    import torch

    if left.dtype == torch.int8:
        return torch.stack([count_product(x, y.T) for x, y in zip(left, right, strict=True)])
    return torch.bmm(left, right.transpose(1, 2))


def _each_with_its_own(rows: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Return rows[p] @ vectors[p] for every p: out of one product with all vectors, which is faster than one at a time."""
    import torch

    flat = rows.view(-1, rows.shape[2])
    product = count_product(flat, vectors.T) if rows.dtype == torch.int8 else flat @ vectors.T
    return product.view(*rows.shape[:2], -1).diagonal(dim1=0, dim2=2).T


def _slope(over: torch.Tensor, step: float) -> torch.Tensor:
    return (over.clamp(0.0, step) * (SLOPES / step)).round_()


def _choose(gains: NDArray[np.float32], heat: float, rng: np.random.Generator) -> tuple[IntVector, NDArray[np.bool_]]:
    """Return one candidate of each row, and whether it is to be taken rather than none."""
    if heat <= 0:
        pick = gains.argmax(axis=1)
        return pick, gains[np.arange(len(pick)), pick] > 0
    # The largest of gain + Gumbel noise has Boltzmann's distribution; the last column stands for no swap.
    noise = np.log(np.maximum(rng.standard_exponential((gains.shape[0], gains.shape[1] + 1)), 1e-300))
    noisy = -heat * noise
    noisy[:, :-1] += gains
    pick = noisy.argmax(axis=1)
    return pick, pick < gains.shape[1]
