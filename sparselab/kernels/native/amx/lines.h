/* X as lines of positions, one a feature (or channel and phase), and Y from such lines; bfloat16, 32 positions a tile. */

#include "half.h"

typedef struct {
    int64_t images, channels, height, width, stride, padding;
    int64_t lines, line;           /* of a channel and phase, padded */
    int64_t plane, image;          /* numbers from one channel and phase to the next, and from one image to the next; behind the last lie zeros */
    int64_t positions;             /* of an image, ends of lines included */
    int64_t out_height, out_width;
    int64_t features_last;         /* whether the features of a position lie together, in X and in Y */
    int64_t is_matrix;             /* features are the channels; `height` is 1 */
} input;

/* Where a tile's 32 positions go in Y: `count` of them from `from` on, a line (or a matrix) at a time. */
typedef struct { int64_t from, count, to; } stretch;

static int stretches_of(stretch *out, int64_t at, const input *g) {
    int count = 0;
    for (int64_t j = 0; j < 32 && at + j < g->positions;) {
        const int64_t line = (at + j) / g->line, w = (at + j) % g->line;
        int64_t size = g->out_width - w < 32 - j ? g->out_width - w : 32 - j;
        if (size > 0) out[count++] = (stretch){j, size, line * g->out_width + w};
        else size = g->line - w;
        j += size;
    }
    return count;
}

/* Lines of rows to Y, whose rows lie together position by position. */
static void put_transposed(number *y, const number *lines, const stretch *run, int runs, int64_t rows) {
    for (int i = 0; i < runs; i++) transpose(y + run[i].to * rows, rows, lines + run[i].from, 32, rows, run[i].count);
}

/* Pad image `i`'s channel `c`, sorted by phase as the stride asks for; behind the last channel zeros. */
static void spread(number *images, const number *x, int64_t i, int64_t c, const input *g) {
    const int64_t s = g->stride, phases = s * s, at_last = g->features_last;
    number *to = images + i * g->image + c * phases * g->plane;
    if (c == g->channels) { memset(to, 0, (g->image - c * phases * g->plane) * sizeof(number)); return; }
    memset(to, 0, phases * g->plane * sizeof(number));
    const int64_t step = at_last ? g->channels : 1, line = g->width * step;
    const number *from = x + i * g->channels * g->height * g->width + (at_last ? c : c * g->height * g->width);
    for (int64_t h = 0; h < g->height; h++) {
        const int64_t ph = h + g->padding;
        if (s == 1) { memcpy(to + ph * g->line + g->padding, from + h * line, g->width * sizeof(number)); continue; }
        for (int64_t w = 0; w < g->width; w++) {
            const int64_t pw = w + g->padding;
            to[((ph % s) * s + pw % s) * g->plane + ph / s * g->line + pw / s] = from[h * line + w * step];
        }
    }
}

/* The same for all channels of an image whose channels lie last, without a stride. */
static void spread_last(number *images, const number *x, int64_t i, const input *g) {
    number *to = images + i * g->image;
    memset(to, 0, g->image * sizeof(number));
    for (int64_t h = 0; h < g->height; h++)
        transpose(to + (h + g->padding) * g->line + g->padding, g->plane, x + (i * g->height + h) * g->width * g->channels, g->channels, g->width, g->channels);
}

/* Pack `tiles` tiles of a matrix from position `at` on: a line of 32 positions a feature that is used, and a line of zeros behind the last. */
static void pack(number *to, int64_t tile_size, const number *x, int64_t at, int64_t tiles, const input *g, const int64_t *used, int64_t used_count) {
    for (int64_t t = 0; t < tiles; t++) memset(to + t * tile_size + g->channels * 32, 0, 64);
    if (!g->features_last) {
        for (int64_t i = 0; i < used_count; i++) {
            const int64_t f = used[i], later = used[i + 12 < used_count ? i + 12 : i];
            for (int64_t t = 0; t < tiles; t++) {
                const int64_t place = at + t * 32;
                __builtin_prefetch(x + later * g->width + place);
                _mm512_storeu_si512(to + t * tile_size + f * 32, load_first(x + f * g->width + place, g->width - place));
            }
        }
        return;
    }
    for (int64_t t = 0; t < tiles; t++) {
        const int64_t place = at + t * 32, left = g->width - place;
        for (int64_t i = 0; i < used_count;) {
            const int64_t f = used[i] & ~(int64_t)31;
            const number *from = x + place * g->channels + f;
            number *square = to + t * tile_size + f * 32;
            if (left >= 32 && g->channels - f >= 32) transpose_square(square, 32, from, g->channels, 32, 32);
            else {
                memset(square, 0, (g->channels - f < 32 ? g->channels - f : 32) * 64);
                transpose_square(square, 32, from, g->channels, left < 32 ? left : 32, g->channels - f < 32 ? g->channels - f : 32);
            }
            while (i < used_count && used[i] < f + 32) i++;
        }
    }
}
