/* Panels: rows of W that share a list of columns; and how many sums of a panel's product fit into registers. */

#include "positions.h"

#if defined(__AVX512F__)
#define VECTORS 2
#define ROWS 12
#elif defined(__AVX__)
#define VECTORS 2
#define ROWS 6
#else
#define VECTORS 3
#define ROWS 8
#endif
#define TILE (LANES * VECTORS)
#define MOST_TILES 64 /* of a block of positions */
#define AHEAD 8 /* columns fetched ahead: their places are a list, which no prefetcher guesses */

typedef struct {
    int64_t panels, rows;           /* rows: of W, and so of Y */
    int64_t columns;                /* that any panel uses */
    const int64_t *used;            /* these, ascending, as columns of W */
    const int64_t *row_starts, *rows_of; /* panel g writes rows_of[row_starts[g] .. row_starts[g + 1]) */
    const int64_t *column_starts;   /* panel g has columns column_starts[g] .. column_starts[g + 1) of the lists */
    const int32_t *columns_of;      /* places in used, ascending within a panel; AHEAD valid entries follow the last */
    const float *weights;           /* panel by panel, within it a few rows at a time (row_step), within these column by column */
    const int64_t *weight_starts;
    const float *bias;              /* rows, or null */
} product;

/* How many rows (or columns) of a panel are summed at once: at most ROWS, and of like numbers, so that no last few are left. */
static inline int64_t step_of(int64_t height) {
    const int64_t parts = (height + ROWS - 1) / ROWS;
    return parts ? (height + parts - 1) / parts : 1;
}
