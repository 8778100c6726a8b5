/* Y = W X + b for W made of panels, at few positions: lanes are rows of a panel, whose weights lie side by side, so that each is
   read once for all positions and none is spread over a vector. blocks.c spends a vector of positions on them. */

#include "panels.h"

#define FEW 8 /* positions at once */
#define WIDTH ((ROWS + LANES - 1) / LANES) /* vectors that hold the rows summed at once */
#define CHAINS 4 /* sums that do not wait for one another */

int64_t blocks_few(void) { return FEW; }

/* The sums of some rows of a panel at n positions: `rows` weights a column; up to `end` there are numbers to read. Lanes beyond
   the rows hold whatever lies behind their weights. */
static inline __attribute__((always_inline)) void sum_rows(float *restrict sums, const float *restrict w, int64_t rows, const float *end,
        const int32_t *restrict columns, int64_t count, const float *restrict xs, const int n) {
    const int unroll = n >= CHAINS ? 1 : CHAINS / n;
    vector sum[CHAINS][FEW][WIDTH];
    for (int u = 0; u < unroll; u++)
        for (int j = 0; j < n; j++)
            for (int v = 0; v < WIDTH; v++) sum[u][j][v] = (vector){0};
    int64_t k = 0;
    for (; k + unroll <= count && w + (k + unroll - 1) * rows + WIDTH * LANES <= end; k += unroll)
        for (int u = 0; u < unroll; u++) {
            const float *x = xs + columns[k + u] * n, *from = w + (k + u) * rows;
            for (int v = 0; v < WIDTH; v++) {
                const vector weights = *(const vector *)(from + v * LANES);
                for (int j = 0; j < n; j++) sum[u][j][v] += x[j] * weights;
            }
        }
    for (; k < count; k++) {
        float last[WIDTH * LANES] = {0};
        memcpy(last, w + k * rows, rows * sizeof(float));
        for (int v = 0; v < WIDTH; v++)
            for (int j = 0; j < n; j++) sum[0][j][v] += xs[columns[k] * n + j] * *(const vector *)(last + v * LANES);
    }
    for (int j = 0; j < n; j++)
        for (int v = 0; v < WIDTH; v++) {
            vector total = sum[0][j][v];
            for (int u = 1; u < unroll; u++) total += sum[u][j][v];
            *(vector *)(sums + (j * WIDTH + v) * LANES) = total;
        }
}

#define CASE(n) case n: sum_rows(sums, w, rows, end, columns, count, xs, n); break;

static void sum_rows_any(float *sums, const float *w, int64_t rows, const float *end, const int32_t *columns, int64_t count, const float *xs, int n) {
    switch (n) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
}

/* Y of a product. `padded` is room for the spread input, `xs` for FEW numbers a column, `places` for one a column; `shared`:
   whether two panels share a row, as only one thread may then work. */
void blocks_run_few(const float *x, float *y, float *padded, float *xs, int64_t *places, const geometry *g, const product *p, int64_t shared) {
    const source from = source_of(x, padded, g);
    const float *end = p->weights + p->weight_starts[p->panels];
    find_places(places, g, p->used, p->columns, &from);
    for (int64_t first = 0; first < from.positions; first += FEW) {
        const int n = from.positions - first < FEW ? from.positions - first : FEW;
        float *outs[FEW];
        for (int j = 0; j < n; j++) {
            const int64_t at = first + j;
            stretch run = {.from = at * from.features};
            if (!from.features) cut(&run, at, 1, &from);
            for (int64_t c = 0; c < p->columns; c++) xs[c * n + j] = from.numbers[places[c] + run.from];
            outs[j] = from.features ? y + at * p->rows : y + at / from.plane * p->rows * from.plane + at % from.plane;
            for (int64_t row = 0; shared && row < p->rows; row++) outs[j][row * (from.features ? 1 : from.plane)] = p->bias ? p->bias[row] : 0.0f;
        }
        const int64_t out_step = from.features ? 1 : from.plane;
#pragma omp parallel for schedule(dynamic, 1) if (!shared)
        for (int64_t panel = 0; panel < p->panels; panel++) {
            const int64_t k0 = p->column_starts[panel], count = p->column_starts[panel + 1] - k0;
            const int64_t *rows_of = p->rows_of + p->row_starts[panel];
            const int64_t height = p->row_starts[panel + 1] - p->row_starts[panel], step = step_of(height);
            for (int64_t r = 0; r < height; r += step) {
                const int64_t rows = height - r < step ? height - r : step;
                float sums[FEW * WIDTH * LANES];
                sum_rows_any(sums, p->weights + p->weight_starts[panel] + r * count, rows, end, p->columns_of + k0, count, xs, n);
                for (int j = 0; j < n; j++)
                    for (int64_t i = 0; i < rows; i++) {
                        const int64_t row = rows_of[r + i];
                        float *out = outs[j] + row * out_step;
                        *out = sums[j * WIDTH * LANES + i] + (shared ? *out : p->bias ? p->bias[row] : 0.0f);
                    }
            }
        }
    }
}
