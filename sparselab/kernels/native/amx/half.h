/* Numbers of 16 bits, moved 32 at a time (AVX-512). */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define WIDTH 32 /* numbers of a vector */

typedef uint16_t number;

INLINE __mmask32 first(int64_t count) { return count >= WIDTH ? ~(__mmask32)0 : count <= 0 ? 0 : ((__mmask32)1 << count) - 1; }
INLINE __m512i load_first(const number *from, int64_t count) { return _mm512_maskz_loadu_epi16(first(count), from); }
INLINE void store_first(number *to, int64_t count, __m512i value) { _mm512_mask_storeu_epi16(to, first(count), value); }

/* Transpose 16 x 16 words of 32 bits. */
INLINE void transpose_words(__m512i *r) {
    __m512i t[16];
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    }
}

/* to[j * to_step + i] = from[i * from_step + j] for i < rows and j < columns, at most 32 each. Two numbers of neighbouring columns are
   one word: words of the even rows and of the odd ones are transposed apart, and halves of the two put together. */
INLINE void transpose_square(number *to, int64_t to_step, const number *from, int64_t from_step, const int64_t rows, const int64_t columns) {
    __m512i even[16], odd[16];
    for (int64_t i = 0; i < 16; i++) {
        even[i] = 2 * i < rows ? load_first(from + 2 * i * from_step, columns) : _mm512_setzero_si512();
        odd[i] = 2 * i + 1 < rows ? load_first(from + (2 * i + 1) * from_step, columns) : _mm512_setzero_si512();
    }
    transpose_words(even);
    transpose_words(odd);
    const __m512i low = _mm512_set1_epi32(0xffff);
    for (int64_t i = 0; i < 16; i++) {
        if (2 * i < columns) store_first(to + 2 * i * to_step, rows, _mm512_or_si512(_mm512_and_si512(even[i], low), _mm512_slli_epi32(odd[i], 16)));
        if (2 * i + 1 < columns) store_first(to + (2 * i + 1) * to_step, rows, _mm512_or_si512(_mm512_srli_epi32(even[i], 16), _mm512_andnot_si512(low, odd[i])));
    }
}

/* The same for any number of rows and columns; whole squares without counting. */
static inline void transpose(number *to, int64_t to_step, const number *from, int64_t from_step, int64_t rows, int64_t columns) {
    for (int64_t j = 0; j < columns; j += WIDTH)
        for (int64_t i = 0; i < rows; i += WIDTH) {
            number *square = to + j * to_step + i;
            const number *part = from + i * from_step + j;
            if (rows - i >= WIDTH && columns - j >= WIDTH) transpose_square(square, to_step, part, from_step, WIDTH, WIDTH);
            else transpose_square(square, to_step, part, from_step, rows - i < WIDTH ? rows - i : WIDTH, columns - j < WIDTH ? columns - j : WIDTH);
        }
}
