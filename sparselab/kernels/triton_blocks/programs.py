"""The Triton programs of the shuffled-block kernel. Importing this file needs triton; nothing here runs at import."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"

import triton
import triton.language as tl


@triton.jit
def placed(
    n,
    positions,
    pitch,
    width,
    lines,
    x_image,
    x_line,
    x_place,
    y_image,
    PLAIN: tl.constexpr,  # one image of one line: a position is its own offset
    X_ALIGN: tl.constexpr,  # so many neighbouring positions are neighbours in X, at offsets they divide
    Y_ALIGN: tl.constexpr,
):
    """Return of positions n: whether they exist, their offsets in X and in Y, and their line and place in the image."""
    valid = n < positions
    # A position beyond the last reads as position 0 and is never written, so that loads need no mask.
    n = tl.where(valid, n, 0)
    line = n
    place = n
    x_offset = n
    y_offset = n
    if not PLAIN:
        line = n // pitch
        place = n % pitch
        image = line // lines
        line = line % lines
        valid = valid & (place < width)
        x_offset = image * x_image + line * x_line + place * x_place
        y_offset = image * y_image + line * width + place
    x_offset = tl.max_contiguous(tl.multiple_of(x_offset, X_ALIGN), X_ALIGN)
    y_offset = tl.max_contiguous(tl.multiple_of(y_offset, Y_ALIGN), Y_ALIGN)
    return tl.max_constancy(valid, Y_ALIGN), x_offset, y_offset, line, place


@triton.jit
def product(
    x,
    weight,  # k-blocks x BLOCK_M x BLOCK_K
    offsets,  # k-blocks x BLOCK_K: where in X the first position of a column lies
    taps,  # k-blocks x BLOCK_K: place in the kernel of a column; read only if CHECKED
    first,  # tiles + 1: the k-blocks of tile t are first[t] .. first[t + 1]
    rows,  # tiles x BLOCK_M: rows of Y, -1 for none
    bias,
    y,
    tiles,
    positions,
    pitch,
    width,
    lines,
    x_image,
    x_line,
    x_place,
    y_image,
    y_row,
    x_height,
    x_width,
    stride,
    padding,
    HAS_BIAS: tl.constexpr,
    ACCUMULATE: tl.constexpr,  # add to Y, which an earlier pass wrote
    PLAIN: tl.constexpr,
    CHECKED: tl.constexpr,  # X has no border of zeros: look whether a tap falls inside
    KERNEL_HEIGHT: tl.constexpr,
    KERNEL_WIDTH: tl.constexpr,
    WIDE: tl.constexpr,  # offsets need 64 bits
    X_ALIGN: tl.constexpr,
    Y_ALIGN: tl.constexpr,
    PRECISION: tl.constexpr,
    UPCAST: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """Y[rows of a tile, a run of positions] = W X + b. One program owns its part of Y: no atomics, one order of sums."""
    program = tl.program_id(0)
    if WIDE:
        program = program.to(tl.int64)
    # Tiles run fastest: programs that run together read the same positions of X, from the cache they share.
    tile = program % tiles
    n = (program // tiles) * BLOCK_N + tl.arange(0, BLOCK_N)
    valid, x_place_offset, y_place_offset, line, place = placed(
        n, positions, pitch, width, lines, x_image, x_line, x_place, y_image, PLAIN, X_ALIGN, Y_ALIGN
    )
    if CHECKED:
        inside = tl.zeros((BLOCK_N,), tl.int64)
        for tap_row in tl.static_range(KERNEL_HEIGHT):
            x_row = line * stride - padding + tap_row
            for tap_column in tl.static_range(KERNEL_WIDTH):
                x_column = place * stride - padding + tap_column
                hit = (x_row >= 0) & (x_row < x_height) & (x_column >= 0) & (x_column < x_width)
                inside |= hit.to(tl.int64) << (tap_row * KERNEL_WIDTH + tap_column)

    m = tl.arange(0, BLOCK_M)
    k = tl.arange(0, BLOCK_K)
    begin = tl.load(first + tile)
    end = tl.load(first + tile + 1)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for block in range(begin, end):
        where = block * BLOCK_K + k
        start = tl.multiple_of(tl.load(offsets + where), X_ALIGN)
        x_at = x + (start[:, None] + x_place_offset[None, :])
        if CHECKED:
            tap = tl.load(taps + where)
            b = tl.load(x_at, mask=((inside[None, :] >> tap[:, None]) & 1) != 0, other=0.0)
        else:
            b = tl.load(x_at)
        w_block = block
        if WIDE:
            w_block = tl.cast(block, tl.int64)
        a = tl.load(weight + w_block * (BLOCK_M * BLOCK_K) + m[:, None] * BLOCK_K + k[None, :])
        if UPCAST:
            a = a.to(tl.float32)
            b = b.to(tl.float32)
        total = tl.dot(a, b, total, input_precision=PRECISION)

    row = tl.load(rows + tile * BLOCK_M + m)
    written = (row >= 0)[:, None] & valid[None, :]
    if WIDE:
        row = row.to(tl.int64)
    y_at = y + (row[:, None] * y_row + y_place_offset[None, :])
    if HAS_BIAS:
        total += tl.load(bias + row, mask=row >= 0, other=0.0).to(tl.float32)[:, None]
    if ACCUMULATE:
        total += tl.load(y_at, mask=written, other=0.0).to(tl.float32)
    tl.store(y_at, total.to(y.dtype.element_ty), mask=written)


@triton.jit
def arrange(
    x,
    out,
    total,  # numbers of a copy
    COPIES: tl.constexpr,
    X_HEIGHT: tl.constexpr,  # shapes are constants: a division by one is a product
    X_WIDTH: tl.constexpr,
    HEIGHT: tl.constexpr,
    PITCH: tl.constexpr,
    STEP: tl.constexpr,
    BORDER: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """out[copy, plane, line, place] = X[plane, line - BORDER, place * STEP + copy - BORDER], 0 outside X."""
    program = tl.program_id(0)
    size = total
    if WIDE:
        program = program.to(tl.int64)
        size = tl.cast(total, tl.int64)
    i = program * BLOCK + tl.arange(0, BLOCK)
    place = i % PITCH
    line = (i // PITCH) % HEIGHT - BORDER
    plane = i // (PITCH * HEIGHT)
    inside = (i < total) & (line >= 0) & (line < X_HEIGHT)
    start = x + (plane * X_HEIGHT + line) * X_WIDTH
    for copy in tl.static_range(COPIES):
        column = place * STEP + copy - BORDER
        value = tl.load(start + column, mask=inside & (column >= 0) & (column < X_WIDTH), other=0.0)
        tl.store(out + (copy * size + i), value, mask=i < total)


@triton.jit
def transpose(x, out, rows, cols, WIDE: tl.constexpr, BLOCK_ROWS: tl.constexpr, BLOCK_COLS: tl.constexpr):
    """out[j, i] = X[i, j]: a program reads a tile along X's rows and writes it along those of out."""
    program = tl.program_id(0)
    if WIDE:
        program = program.to(tl.int64)
    across = tl.cdiv(cols, BLOCK_COLS)
    i = (program // across) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    j = (program % across) * BLOCK_COLS + tl.arange(0, BLOCK_COLS)
    tile = tl.load(x + (i[:, None] * cols + j[None, :]), mask=(i < rows)[:, None] & (j < cols)[None, :], other=0.0)
    tl.store(out + (j[:, None] * rows + i[None, :]), tl.trans(tile), mask=(j < cols)[:, None] & (i < rows)[None, :])
