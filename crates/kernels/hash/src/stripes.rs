//! Turns rows of luma into the 64×64 picture that PDQ's DCT takes, in stripes of sixteen rows.
//!
//! The reference filters the whole picture twice along rows and columns and then keeps 64×64
//! values. Here the same float operations happen in the same order for every value that is kept,
//! so the bits are the same, but
//! - sixteen rows are filtered side by side, one in each lane of a vector register;
//! - rows are kept only while the column filter's window covers them;
//! - the second pass updates the running sums for every value, but divides and stores only the
//!   values that are kept.
//!
//! Memory: five stripes; a ring as long as the window (1/128 of the height) plus up to two stripes;
//! and 64 floats for each row of the picture. The tests compare with `naive`, which filters the
//! whole picture one line at a time.

use std::cell::RefCell;

/// Side of the picture that goes into the DCT.
pub(crate) const SMALL: usize = 64;
/// What goes into the DCT.
pub(crate) type Small = [[f32; SMALL]; SMALL];
/// Rows filtered side by side.
const LANES: usize = 16;
/// Sixteen values, one of each row of a stripe.
pub(crate) type Lanes = [f32; LANES];

/// Luma, a row at a time.
pub(crate) trait Rows {
    fn width(&self) -> usize;
    fn height(&self) -> usize;
    /// Fills `out`, as long as the width, with row `y`.
    fn row(&self, y: usize, out: &mut [f32]);
}

/// A window is 1/128 of the side, rounded up.
pub(crate) fn window(side: usize) -> usize {
    side.div_ceil(2 * SMALL)
}

/// How many steps each of the four phases of a box filter has: add only; add and write; add,
/// subtract and write; subtract and write.
pub(crate) fn phases(len: usize, window: usize) -> [usize; 4] {
    let half = window.div_ceil(2) + usize::from(window.is_multiple_of(2));
    [half - 1, window - half + 1, len - window, half - 1]
}

/// The position, among `side` values, of the one that is kept as value `i` of 64: the centre of
/// block `i`.
pub(crate) fn centre(i: usize, side: usize) -> usize {
    ((i as f64 + 0.5) * side as f64 / SMALL as f64) as usize
}

/// Both passes and the decimation. Both sides must be 5 or more.
#[inline(always)]
pub(crate) fn small<R: Rows, T: Transpose>(rows: &R) -> Small {
    let (w, h) = (rows.width(), rows.height());
    let mut stripe = Stripe::new(w);
    let mut columns = Columns::new(w, h);
    let mut kept = VerticalPass::new(w, h);
    let mut done = 0;
    for top in (0..h).step_by(LANES) {
        let count = LANES.min(h - top);
        stripe.fill::<R, T>(rows, top, count);
        stripe.filter::<T>(columns.next_stripe());
        // The rows of a stripe are taken before the next is filtered: the ring has room for one
        // beyond the window.
        for _ in 0..count {
            if columns.take(kept.next_row()) {
                kept.taken::<T>();
            }
        }
        done += count;
    }
    debug_assert_eq!(done, h);
    // The window slides out of the picture: these rows of output have no new row of input.
    while columns.end(kept.next_row()) {
        kept.taken::<T>();
    }
    kept.end::<T>()
}

/// Memory that the thread keeps for its next picture, so that not every picture allocates it. It is
/// not cleared, and it is freed only when the thread ends.
struct Buffer(Vec<f32>);

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

impl Buffer {
    fn new(len: usize) -> Self {
        let kept = BUFFERS.with_borrow_mut(Vec::pop);
        let mut values = kept.unwrap_or_default();
        values.resize(len, 0.0);
        Self(values)
    }

    #[inline(always)]
    fn lanes(&self) -> &[Lanes] {
        self.0.as_chunks().0
    }

    #[inline(always)]
    fn lanes_mut(&mut self) -> &mut [Lanes] {
        self.0.as_chunks_mut().0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.0);
        // While a thread exits, its thread-local cache may be gone already.
        let _ = BUFFERS.try_with(|kept| kept.borrow_mut().push(values));
    }
}

/// Sixteen rows, transposed: for each column the values of all lanes side by side.
struct Stripe {
    luma: Buffer,
    lanes: Buffer,
    out: Buffer,
    width: usize,
}

impl Stripe {
    fn new(width: usize) -> Self {
        Self {
            luma: Buffer::new(width * LANES),
            lanes: Buffer::new(width * LANES),
            out: Buffer::new(width * LANES),
            width,
        }
    }

    #[inline(always)]
    fn fill<R: Rows, T: Transpose>(&mut self, rows: &R, top: usize, count: usize) {
        for (lane, out) in self
            .luma
            .0
            .chunks_exact_mut(self.width)
            .take(count)
            .enumerate()
        {
            rows.row(top + lane, out);
        }
        // Lanes beyond the last row keep their old values; the results for them are never used.
        into_lanes::<T>(&self.luma.0, self.lanes.lanes_mut(), self.width);
    }

    #[inline(always)]
    fn filter<T: Transpose>(&mut self, filtered: &mut [f32]) {
        let [p1, p2, p3, p4] = phases(self.width, window(self.width));
        let (from, to) = (self.lanes.lanes(), self.out.lanes_mut());
        // The divisor is kept as a float: a window is far below 2²⁴, so it is exact.
        let (mut sums, mut size) = ([0.0; LANES], 0.0);
        let (mut left, mut right, mut out) = (0, 0, 0);
        for _ in 0..p1 {
            add(&mut sums, &from[right]);
            size += 1.0;
            right += 1;
        }
        for _ in 0..p2 {
            add(&mut sums, &from[right]);
            size += 1.0;
            to[out] = divided(&sums, size);
            right += 1;
            out += 1;
        }
        for ((r, l), o) in from[right..]
            .iter()
            .zip(from.iter())
            .zip(&mut to[out..])
            .take(p3)
        {
            // Add, then subtract: the reference's order, and the order decides the last bit.
            add(&mut sums, r);
            subtract(&mut sums, l);
            *o = divided(&sums, size);
        }
        left += p3;
        out += p3;
        for _ in 0..p4 {
            subtract(&mut sums, &from[left]);
            size -= 1.0;
            to[out] = divided(&sums, size);
            left += 1;
            out += 1;
        }
        from_lanes::<T>(self.out.lanes(), filtered, self.width);
    }
}

/// Sixteen rows of sixteen values.
pub(crate) type Square = [Lanes; LANES];

/// Transposes a square; some architectures do it in registers.
pub(crate) trait Transpose {
    /// Transposes the first sixteen values of each of sixteen rows, which start `width` values
    /// apart.
    fn into_lanes(rows: &[f32], width: usize, lanes: &mut Square);
    /// The inverse of `into_lanes`.
    fn from_lanes(lanes: &Square, rows: &mut [f32], width: usize);
}

/// Value by value.
pub(crate) struct OneByOne;

impl Transpose for OneByOne {
    #[inline(always)]
    fn into_lanes(rows: &[f32], width: usize, lanes: &mut Square) {
        for (x, out) in lanes.iter_mut().enumerate() {
            for (lane, value) in out.iter_mut().enumerate() {
                *value = rows[lane * width + x];
            }
        }
    }

    #[inline(always)]
    fn from_lanes(lanes: &Square, rows: &mut [f32], width: usize) {
        for (x, values) in lanes.iter().enumerate() {
            for (lane, value) in values.iter().enumerate() {
                rows[lane * width + x] = *value;
            }
        }
    }
}

/// Rows to lanes, a square at a time.
#[inline(always)]
fn into_lanes<T: Transpose>(rows: &[f32], lanes: &mut [Lanes], width: usize) {
    let (squares, rest) = lanes.as_chunks_mut::<LANES>();
    for (number, square) in squares.iter_mut().enumerate() {
        T::into_lanes(&rows[number * LANES..], width, square);
    }
    // The columns at the right edge that do not fill a square.
    let done = width - rest.len();
    for (x, out) in rest.iter_mut().enumerate() {
        for (lane, value) in out.iter_mut().enumerate() {
            *value = rows[lane * width + done + x];
        }
    }
}

/// Lanes back to rows.
#[inline(always)]
fn from_lanes<T: Transpose>(lanes: &[Lanes], rows: &mut [f32], width: usize) {
    let (squares, rest) = lanes.as_chunks::<LANES>();
    for (number, square) in squares.iter().enumerate() {
        T::from_lanes(square, &mut rows[number * LANES..], width);
    }
    let done = width - rest.len();
    for (x, values) in rest.iter().enumerate() {
        for (lane, value) in values.iter().enumerate() {
            rows[lane * width + done + x] = *value;
        }
    }
}

#[inline(always)]
fn add(sums: &mut Lanes, values: &Lanes) {
    for (s, v) in sums.iter_mut().zip(values) {
        *s += v;
    }
}

#[inline(always)]
fn subtract(sums: &mut Lanes, values: &Lanes) {
    for (s, v) in sums.iter_mut().zip(values) {
        *s -= v;
    }
}

#[inline(always)]
fn divided(sums: &Lanes, size: f32) -> Lanes {
    let mut out = [0.0; LANES];
    for (o, s) in out.iter_mut().zip(sums) {
        // A division, not a product with the reciprocal: that would round differently.
        *o = s / size;
    }
    out
}

/// The first column filter: one running sum a column, and the rows within its window.
struct Columns {
    phases: [usize; 4],
    /// A ring of the latest rows; it holds a whole number of stripes.
    ring: Buffer,
    ring_rows: usize,
    width: usize,
    sums: Vec<f32>,
    size: f32,
    taken: usize,
    left: usize,
    ended: usize,
}

impl Columns {
    fn new(width: usize, height: usize) -> Self {
        // The window, and a stripe that is written before its rows are taken.
        let ring_rows = (window(height) + 1 + LANES).next_multiple_of(LANES);
        Self {
            phases: phases(height, window(height)),
            ring: Buffer::new(width * ring_rows),
            ring_rows,
            width,
            sums: vec![0.0; width],
            size: 0.0,
            taken: 0,
            left: 0,
            ended: 0,
        }
    }

    /// Room for the next stripe.
    #[inline(always)]
    fn next_stripe(&mut self) -> &mut [f32] {
        // `taken` and `ring_rows` are multiples of sixteen here, so a stripe never wraps around the
        // end of the ring.
        let place = self.taken % self.ring_rows * self.width;
        &mut self.ring.0[place..][..self.width * LANES]
    }

    /// Takes the next row of the ring; true when it made a row of output.
    #[inline(always)]
    fn take(&mut self, out: &mut [f32]) -> bool {
        let width = self.width;
        let row = &self.ring.0[self.taken % self.ring_rows * width..][..width];
        let [p1, p2, ..] = self.phases;
        self.taken += 1;
        if self.taken <= p1 {
            for (s, v) in self.sums.iter_mut().zip(row) {
                *s += v;
            }
            self.size += 1.0;
            return false;
        }
        if self.taken <= p1 + p2 {
            self.size += 1.0;
            for ((s, v), o) in self.sums.iter_mut().zip(row).zip(out) {
                *s += v;
                *o = *s / self.size;
            }
            return true;
        }
        let left = &self.ring.0[self.left % self.ring_rows * width..][..width];
        for (((s, r), l), o) in self.sums.iter_mut().zip(row).zip(left).zip(out) {
            *s += r;
            *s -= l;
            *o = *s / self.size;
        }
        self.left += 1;
        true
    }

    /// Emits one more row after the last input row; false if none is left.
    #[inline(always)]
    fn end(&mut self, out: &mut [f32]) -> bool {
        // From here on the window only loses rows, as many as phase four has steps.
        if self.ended == self.phases[3] {
            return false;
        }
        self.ended += 1;
        self.size -= 1.0;
        let left = &self.ring.0[self.left % self.ring_rows * self.width..][..self.width];
        for ((s, l), o) in self.sums.iter_mut().zip(left).zip(out) {
            *s -= l;
            *o = *s / self.size;
        }
        self.left += 1;
        true
    }
}

/// The second pass: filters sixteen rows at a time and keeps 64 values of each, then filters those
/// 64 columns.
struct VerticalPass {
    width: usize,
    height: usize,
    waiting: Buffer,
    count: usize,
    lanes: Buffer,
    /// 64 values of each row.
    rows: Buffer,
    done: usize,
}

impl VerticalPass {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            waiting: Buffer::new(width * LANES),
            count: 0,
            lanes: Buffer::new(width * LANES),
            // 64 floats for each row of the picture: the last column filter runs only at the end.
            rows: Buffer::new(height * SMALL),
            done: 0,
        }
    }

    /// Where the next row goes.
    #[inline(always)]
    fn next_row(&mut self) -> &mut [f32] {
        &mut self.waiting.0[self.count * self.width..][..self.width]
    }

    /// Call when the row from `next_row` has been written.
    #[inline(always)]
    fn taken<T: Transpose>(&mut self) {
        self.count += 1;
        if self.count == LANES {
            self.filter::<T>();
        }
    }

    #[inline(always)]
    fn filter<T: Transpose>(&mut self) {
        into_lanes::<T>(&self.waiting.0, self.lanes.lanes_mut(), self.width);
        let [p1, p2, p3, p4] = phases(self.width, window(self.width));
        let from = self.lanes.lanes();
        let mut kept = [[0.0; LANES]; SMALL];
        let mut next = 0;
        let (mut sums, mut size) = ([0.0; LANES], 0.0);
        // Returns the next wanted position, so that the loops below only compare integers and don't
        // compute centres.
        let mut keep = |out: usize, sums: &Lanes, size: f32| {
            // On a picture narrower than 64 the same value is kept more than once.
            while next < SMALL && centre(next, self.width) == out {
                kept[next] = divided(sums, size);
                next += 1;
            }
            if next < SMALL {
                centre(next, self.width)
            } else {
                // All 64 values have been kept: a position that no column has.
                usize::MAX
            }
        };
        let mut wanted = centre(0, self.width);
        let mut out = 0;
        for lanes in &from[..p1] {
            add(&mut sums, lanes);
            size += 1.0;
        }
        // Phases one and two together add exactly one window: p1 + p2 values.
        for lanes in &from[p1..p1 + p2] {
            add(&mut sums, lanes);
            size += 1.0;
            if out == wanted {
                wanted = keep(out, &sums, size);
            }
            out += 1;
        }
        for (right, left) in from[p1 + p2..].iter().zip(from.iter()).take(p3) {
            add(&mut sums, right);
            subtract(&mut sums, left);
            if out == wanted {
                wanted = keep(out, &sums, size);
            }
            out += 1;
        }
        for left in &from[p3..p3 + p4] {
            subtract(&mut sums, left);
            size -= 1.0;
            if out == wanted {
                wanted = keep(out, &sums, size);
            }
            out += 1;
        }
        let rows = self.rows.0.as_chunks_mut::<SMALL>().0;
        // `count` is below sixteen only at the bottom; lanes from `count` on hold old values.
        for (lane, row) in rows[self.done..][..self.count].iter_mut().enumerate() {
            for (value, lanes) in row.iter_mut().zip(&kept) {
                *value = lanes[lane];
            }
        }
        self.done += self.count;
        self.count = 0;
    }

    #[inline(always)]
    fn end<T: Transpose>(mut self) -> Small {
        if self.count > 0 {
            self.filter::<T>();
        }
        let [p1, p2, p3, p4] = phases(self.height, window(self.height));
        let rows = self.rows.0.as_chunks::<SMALL>().0;
        let mut small = [[0.0; SMALL]; SMALL];
        let (mut next, mut out) = (0, 0);
        // On a picture of fewer than 64 rows the same row is kept more than once.
        let mut give = |sums: &[f32; SMALL], size: f32| {
            while next < SMALL && centre(next, self.height) == out {
                small[next] = sums.map(|s| s / size);
                next += 1;
            }
            out += 1;
        };
        let (mut sums, mut size) = ([0.0_f32; SMALL], 0.0_f32);
        let mut left = 0;
        for (right, row) in rows.iter().enumerate() {
            for (s, v) in sums.iter_mut().zip(row) {
                *s += v;
            }
            if right < p1 + p2 {
                size += 1.0;
            } else {
                for (s, v) in sums.iter_mut().zip(&rows[left]) {
                    *s -= v;
                }
                left += 1;
            }
            if right >= p1 {
                give(&sums, size);
            }
        }
        debug_assert_eq!(left, p3);
        for row in &rows[left..left + p4] {
            size -= 1.0;
            for (s, v) in sums.iter_mut().zip(row) {
                *s -= v;
            }
            give(&sums, size);
        }
        small
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Plane {
        width: usize,
        height: usize,
        values: Vec<f32>,
    }

    impl Rows for Plane {
        fn width(&self) -> usize {
            self.width
        }

        fn height(&self) -> usize {
            self.height
        }

        fn row(&self, y: usize, out: &mut [f32]) {
            out.copy_from_slice(&self.values[y * self.width..][..self.width]);
        }
    }

    /// The reference's box filter: one line at a time, any stride.
    fn naive(from: &[f32], to: &mut [f32], start: usize, len: usize, stride: usize, window: usize) {
        // Written as the reference writes it, not as `phases` does, so that a slip in either shows.
        let half = (window + 2) / 2;
        let at = |i: usize| start + i * stride;
        let (mut l, mut r, mut o) = (0, 0, 0);
        let (mut sum, mut size) = (0.0_f32, 0);
        for _ in 0..half - 1 {
            sum += from[at(r)];
            size += 1;
            r += 1;
        }
        for _ in 0..window - half + 1 {
            sum += from[at(r)];
            size += 1;
            to[at(o)] = sum / size as f32;
            r += 1;
            o += 1;
        }
        for _ in 0..len - window {
            sum += from[at(r)];
            sum -= from[at(l)];
            to[at(o)] = sum / size as f32;
            l += 1;
            r += 1;
            o += 1;
        }
        for _ in 0..half - 1 {
            sum -= from[at(l)];
            size -= 1;
            to[at(o)] = sum / size as f32;
            l += 1;
            o += 1;
        }
    }

    fn naive_small(plane: &Plane) -> Small {
        let (w, h) = (plane.width, plane.height);
        let mut values = plane.values.clone();
        let mut other = vec![0.0; w * h];
        for _ in 0..2 {
            for y in 0..h {
                naive(&values, &mut other, y * w, w, 1, window(w));
            }
            for x in 0..w {
                naive(&other, &mut values, x, h, w, window(h));
            }
        }
        let mut small = [[0.0; SMALL]; SMALL];
        for (i, row) in small.iter_mut().enumerate() {
            for (j, out) in row.iter_mut().enumerate() {
                *out = values[centre(i, h) * w + centre(j, w)];
            }
        }
        small
    }

    fn bits(small: &Small) -> Vec<u32> {
        // Bits, not values: `==` would take −0 for 0.
        small.as_flattened().iter().map(|v| v.to_bits()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        /// Bit for bit, whatever the size, on the portable path and on the one this machine takes.
        #[test]
        fn stripes_equal_their_slow_twin(w in 5_usize..420, h in 5_usize..420, seed in any::<u32>()) {
            let mut state = seed | 1;
            let values: Vec<f32> = (0..w * h).map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state % 25_600) as f32 / 100.0
            }).collect();
            let plane = Plane { width: w, height: h, values };
            let expected = bits(&naive_small(&plane));
            prop_assert_eq!(&bits(&small::<_, OneByOne>(&plane)), &expected, "portable");
            prop_assert_eq!(&bits(&crate::arch::small(&plane)), &expected, "this machine's");
        }
    }
}
