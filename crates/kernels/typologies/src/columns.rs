//! A column of whole numbers that takes as few bytes as its largest value needs.

/// Numbers in order: without any storage while all are the same, otherwise with 1, 2, 4 or 8 bytes
/// each.
#[derive(Clone, Debug)]
pub enum Packed {
    /// The same value, repeated.
    Same(u64, usize),
    /// A byte each.
    One(Vec<u8>),
    /// Two.
    Two(Vec<u16>),
    /// Four.
    Four(Vec<u32>),
    /// Eight.
    Eight(Vec<u64>),
}

impl Default for Packed {
    fn default() -> Self {
        Packed::Same(0, 0)
    }
}

impl Packed {
    /// How many numbers it has.
    pub fn len(&self) -> usize {
        match self {
            Packed::Same(_, n) => *n,
            Packed::One(v) => v.len(),
            Packed::Two(v) => v.len(),
            Packed::Four(v) => v.len(),
            Packed::Eight(v) => v.len(),
        }
    }

    /// True if it has no numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at that index.
    ///
    /// # Panics
    /// The index is out of bounds.
    #[inline]
    pub fn get(&self, at: usize) -> u64 {
        match self {
            Packed::Same(v, n) => {
                assert!(at < *n);
                *v
            }
            Packed::One(v) => u64::from(v[at]),
            Packed::Two(v) => u64::from(v[at]),
            Packed::Four(v) => u64::from(v[at]),
            Packed::Eight(v) => v[at],
        }
    }

    /// Appends a number; widens the column if the number doesn't fit.
    #[inline]
    pub fn push(&mut self, value: u64) {
        match self {
            // An empty column has no value yet and takes any.
            Packed::Same(v, n) if *v == value || *n == 0 => {
                *v = value;
                *n += 1;
            }
            Packed::One(v) if value <= u64::from(u8::MAX) => v.push(value as u8),
            Packed::Two(v) if value <= u64::from(u16::MAX) => v.push(value as u16),
            Packed::Four(v) if value <= u64::from(u32::MAX) => v.push(value as u32),
            Packed::Eight(v) => v.push(value),
            _ => {
                self.widen(value);
                self.push(value);
            }
        }
    }

    /// Widens the column to the smallest width that holds its numbers and the value.
    #[cold]
    fn widen(&mut self, value: u64) {
        let n = self.len();
        let highest = match self {
            Packed::Same(v, _) => value.max(*v),
            // A typed column is widened only for a value that does not fit: the highest so far.
            _ => value,
        };
        let all = (0..n).map(|i| self.get(i));
        *self = if highest <= u64::from(u8::MAX) {
            Packed::One(all.map(|v| v as u8).collect())
        } else if highest <= u64::from(u16::MAX) {
            Packed::Two(all.map(|v| v as u16).collect())
        } else if highest <= u64::from(u32::MAX) {
            Packed::Four(all.map(|v| v as u32).collect())
        } else {
            Packed::Eight(all.collect())
        };
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        match self {
            Packed::Same(..) => 0,
            Packed::One(v) => v.capacity(),
            Packed::Two(v) => 2 * v.capacity(),
            Packed::Four(v) => 4 * v.capacity(),
            Packed::Eight(v) => 8 * v.capacity(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut column = Packed::default();
        // Crosses every width once, with small values in between.
        let values = [7, 7, 255, 256, 3, 70_000, 1 << 40, 0, u64::MAX];
        for (n, v) in values.iter().enumerate() {
            column.push(*v);
            let got: Vec<u64> = (0..=n).map(|i| column.get(i)).collect();
            assert_eq!(got, &values[..=n]);
        }
        let mut same = Packed::default();
        (0..1_000).for_each(|_| same.push(9));
        assert_eq!((same.bytes(), same.len(), same.get(999)), (0, 1_000, 9));
    }
}
