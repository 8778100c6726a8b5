// The lines between groups: where they are drawn, and in which colour.

const GROUPS_FROM = 10; // CSS pixels between two lines: closer ones would cover what they part

/** Not near the orange of fill-in, the blue of what was dropped, or a block's green; at least 3:1 on either background. */
export const groupColour = (dark) => (dark ? [221, 120, 190] : [170, 51, 119]);

/** The boundaries in view, or none where every second gap is too small to see what lies between. */
export function groupLines(groups, layout, ratio) {
  const edges = [...groups].filter((row) => row > layout.top && row < layout.bottom);
  const bounds = [layout.top, ...edges, layout.bottom];
  const gaps = bounds.slice(1).map((row, i) => row - bounds[i]).sort((a, b) => a - b);
  return gaps[gaps.length >> 1] * layout.cellHeight < GROUPS_FROM * ratio ? [] : edges;
}
