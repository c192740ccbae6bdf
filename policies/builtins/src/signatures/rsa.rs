//! Signatures of RSA (RFC 8017), checked: nothing here is secret, and nothing need take the same time always.

use anyhow::{Context, Result, ensure};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

use super::{Hash, Salt, fitted};

/// Shorter keys are broken, longer ones are nobody's.
const MODULUS_BITS: std::ops::RangeInclusive<u32> = 1024..=16_384;
const EXPONENT_MAX: u64 = (1 << 31) - 1;

/// A public key. It need not be one that a signature can be checked with.
pub(crate) struct Key {
    /// Without zeros before it.
    modulus: Vec<u8>,
    exponent: u64,
}

impl Key {
    /// Takes two numbers, the most significant byte first.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self> {
        let significant = |number: &[u8]| -> Vec<u8> {
            number
                .iter()
                .copied()
                .skip_while(|&byte| byte == 0)
                .collect()
        };
        let (modulus, exponent) = (significant(modulus), significant(exponent));
        ensure!(!modulus.is_empty(), "the modulus is zero");
        let exponent = fitted(&exponent, 8).context("the exponent is too large")?;
        let exponent = exponent
            .iter()
            .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        ensure!(
            exponent > 0 && exponent <= i64::MAX.unsigned_abs(),
            "the exponent is no positive number of 63 bits"
        );
        Ok(Self { modulus, exponent })
    }

    fn bits(&self) -> Option<u32> {
        let bytes = u32::try_from(self.modulus.len()).ok()?;
        Some(bytes.checked_mul(8)? - self.modulus.first()?.leading_zeros())
    }

    /// Raises a signature to the exponent. `None` where signature or key cannot be ones.
    fn encoded(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let bits = self.bits()?;
        let usable = MODULUS_BITS.contains(&bits)
            && (3..=EXPONENT_MAX).contains(&self.exponent)
            && self.exponent % 2 == 1;
        if !usable || signature.len() != self.modulus.len() {
            return None;
        }
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits.next_multiple_of(64)).ok();
        let (modulus, signature) = (number(&self.modulus)?, number(signature)?);
        if signature >= modulus {
            return None;
        }
        let modulus = BoxedMontyParams::new_vartime(Odd::new(modulus).into_option()?);
        let power = BoxedMontyForm::new(signature, &modulus).pow_bounded_exp(
            &BoxedUint::from(self.exponent),
            u64::BITS - self.exponent.leading_zeros(),
        );
        let bytes = power.retrieve().to_be_bytes();
        Some(bytes[bytes.len().checked_sub(self.modulus.len())?..].to_vec())
    }
}

/// RFC 8017, 8.2.2: what was signed is made anew and compared.
pub(super) fn verify_pkcs1(key: &Key, hash: Hash, digest: &[u8], signature: &[u8]) -> Option<()> {
    let named = [&hash.prefix()[..], digest].concat();
    let filling = key.modulus.len().checked_sub(named.len() + 3)?;
    if filling < 8 {
        return None;
    }
    let expected = [&[0, 1][..], &vec![0xff; filling], &[0], &named].concat();
    (key.encoded(signature)? == expected).then_some(())
}

/// RFC 8017, 8.1.2 and 9.1.2.
pub(super) fn verify_pss(
    key: &Key,
    hash: Hash,
    salt: Salt,
    digest: &[u8],
    signature: &[u8],
) -> Option<()> {
    let encoded = key.encoded(signature)?;
    let bits = key.bits()?.checked_sub(1)?;
    let length = usize::try_from(bits.div_ceil(8)).ok()?;
    let (beyond, encoded) = encoded.split_at(encoded.len().checked_sub(length)?);
    let (last, encoded) = encoded.split_last()?;
    if beyond.iter().any(|&byte| byte != 0) || *last != 0xbc {
        return None;
    }
    let (masked, code) = encoded.split_at(encoded.len().checked_sub(hash.bytes())?);
    let unused = u8::MAX.checked_shr(bits.next_multiple_of(8) - bits)?;
    if masked.first()? & !unused != 0 {
        return None;
    }
    let mut data: Vec<u8> = mask(hash, code, masked.len());
    data.iter_mut()
        .zip(masked)
        .for_each(|(mask, byte)| *mask ^= byte);
    *data.first_mut()? &= unused;
    let filling = data.iter().position(|&byte| byte != 0)?;
    let (&one, salted) = data[filling..].split_first()?;
    let right = one == 1
        && match salt {
            Salt::Any => true,
            Salt::AsLongAsTheHash => salted.len() == hash.bytes(),
        };
    (right && hash.digest(&[&[0; 8], digest, salted]) == code).then_some(())
}

/// MGF1 (RFC 8017, B.2.1).
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|counter| hash.digest(&[seed, &counter.to_be_bytes()]))
        .take(length)
        .collect()
}
