"""The Triton programs of the gradients. Importing this file needs triton; nothing here runs at import."""

# mypy: disable-error-code="untyped-decorator, no-untyped-def"

import triton
import triton.language as tl

from sparselab.kernels.triton_blocks.programs import placed


@triton.jit
def weight_gradient(
    x,
    slope,  # dY
    offsets,  # k-blocks x BLOCK_K: where in X the first position of a column lies
    owners,  # k-blocks: the tile that a k-block belongs to
    rows,  # tiles x BLOCK_M: rows of Y, -1 for none
    out,  # k-blocks x BLOCK_M x BLOCK_K, float32
    positions,
    pitch,
    width,
    lines,
    x_image,
    x_line,
    x_place,
    y_image,
    y_row,
    PLAIN: tl.constexpr,
    WIDE: tl.constexpr,  # offsets need 64 bits
    X_ALIGN: tl.constexpr,
    Y_ALIGN: tl.constexpr,
    PRECISION: tl.constexpr,
    UPCAST: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """out[k-block] = dY[rows of its tile] X[its columns]^T. One program owns a k-block: no atomics, one order of sums."""
    block = tl.program_id(0)
    m = tl.arange(0, BLOCK_M)
    k = tl.arange(0, BLOCK_K)
    row = tl.load(rows + tl.load(owners + block) * BLOCK_M + m)
    if WIDE:
        block = block.to(tl.int64)
        row = row.to(tl.int64)
    start = tl.multiple_of(tl.load(offsets + block * BLOCK_K + k), X_ALIGN)
    total = tl.zeros((BLOCK_M, BLOCK_K), dtype=tl.float32)
    for begin in range(0, positions, BLOCK_N):
        n = begin + tl.arange(0, BLOCK_N)
        if WIDE:
            n = n.to(tl.int64)
        valid, x_at, y_at, _, _ = placed(
            n, positions, pitch, width, lines, x_image, x_line, x_place, y_image, PLAIN, X_ALIGN, Y_ALIGN
        )
        a = tl.load(
            slope + (row[:, None] * y_row + y_at[None, :]), mask=(row >= 0)[:, None] & valid[None, :], other=0.0
        )
        b = tl.load(x + (start[:, None] + x_at[None, :]), mask=(k >= 0)[:, None] & valid[None, :], other=0.0)
        if UPCAST:
            a = a.to(tl.float32)
            b = b.to(tl.float32)
        total = tl.dot(a, tl.trans(b), total, input_precision=PRECISION)
    tl.store(out + block * (BLOCK_M * BLOCK_K) + (m[:, None] * BLOCK_K + k[None, :]), total)


@triton.jit
def collect(
    parts,  # N x slots x out height x out width, float32
    first,  # channels + 1: the items of channel c are first[c] .. first[c + 1]
    slots,  # items: which row of parts
    kernel_rows,  # items: where in the kernel the item's column lies
    kernel_columns,
    out,  # N x channels x height x width
    count,
    channels,
    height,
    width,
    slot_count,
    out_height,
    out_width,
    stride,
    padding,
    WIDE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """dX[n, c, u, v] = the sum over a channel's items of parts[n, slot, (u + padding - row) / stride, (v + padding - column) / stride]
    where both are whole and inside. One program owns a run of a channel's numbers: no atomics, one order of sums."""
    program = tl.program_id(0)
    channel = program % channels
    i = (program // channels) * BLOCK + tl.arange(0, BLOCK)
    if WIDE:
        channel = channel.to(tl.int64)
        i = (program // channels).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    valid = i < count
    column = i % width
    row = (i // width) % height
    image = i // width // height
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for item in range(tl.load(first + channel), tl.load(first + channel + 1)):
        u = row + padding - tl.load(kernel_rows + item)
        v = column + padding - tl.load(kernel_columns + item)
        inside = valid & (u >= 0) & (v >= 0) & (u % stride == 0) & (v % stride == 0)
        u = u // stride
        v = v // stride
        inside = inside & (u < out_height) & (v < out_width)
        at = ((image * slot_count + tl.load(slots + item)) * out_height + u) * out_width + v
        total += tl.load(parts + at, mask=inside, other=0.0)
    to = ((image * channels + channel) * height + row) * width + column
    tl.store(out + to, total.to(out.dtype.element_ty), mask=valid)
