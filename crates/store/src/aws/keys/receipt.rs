use std::sync::atomic::{AtomicU64, Ordering};

use journal::key::{ReceiptKey, Seed};
use journal::receipt::{RECEIPT_KEY_MS_MAX, ReceiptTerms, ReceiptVoucher};
use serde::{Deserialize, Serialize};

use super::super::promises::Promiser;
use super::{KeyError, KeySource, Keys, LogSigner};

/// A key lives this long.
const LIFE_MS: u64 = RECEIPT_KEY_MS_MAX;
/// The sealer puts another in its place when it has this long to live.
const RENEWED_MS: u64 = LIFE_MS / 2;
/// Whoever promises with it looks for the other one when it has this long to live.
const SOUGHT_MS: u64 = LIFE_MS / 4;
/// How often it looks, while there is none.
const LOOK_MS: u64 = 60 * 1000;

/// The place of a journal's receipt key: JSON with its `seed`, 64 hexadecimal digits, and the log key's `voucher` for it.
///
/// The sealer renews it; whoever records promises with it.
#[derive(Debug)]
pub struct ReceiptKeys {
    keys: Keys,
    source: KeySource,
    looked_ms: AtomicU64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    seed: String,
    voucher: ReceiptVoucher,
}

impl ReceiptKeys {
    /// Names the place.
    #[must_use]
    pub const fn new(keys: Keys, source: KeySource) -> Self {
        Self {
            keys,
            source,
            looked_ms: AtomicU64::new(0),
        }
    }

    /// Reads the key, to promise entries within a time.
    ///
    /// # Errors
    /// [`KeyError::Empty`] until the sealer has run once.
    pub async fn load(&self, window_ms: u64) -> Result<Promiser, KeyError> {
        let (key, voucher) = self.read().await?;
        Ok(Promiser::new(key, voucher, window_ms))
    }

    /// Looks for another key when the promiser's own nears its end, and says whether it goes on with another.
    ///
    /// It is cheap to ask at every request: it looks once a minute at most, and not before it need be.
    ///
    /// # Errors
    /// The promiser goes on with the key that it has, for as long as that lives.
    pub async fn refresh(&self, promiser: &Promiser, now_ms: u64) -> Result<bool, KeyError> {
        let looked_ms = self.looked_ms.load(Ordering::Relaxed);
        let is_soon = promiser.until_ms() < now_ms.saturating_add(SOUGHT_MS);
        if !is_soon || now_ms < looked_ms.saturating_add(LOOK_MS) {
            return Ok(false);
        }
        self.looked_ms.store(now_ms, Ordering::Relaxed);
        let (key, voucher) = self.read().await?;
        let is_later = voucher.until_ms > promiser.until_ms();
        if is_later {
            promiser.replace(key, voucher);
        }
        Ok(is_later)
    }

    /// Puts another key in the place of one that has lived half its life, or for which this log key does not vouch, and
    /// says whether it did.
    ///
    /// # Errors
    /// The old one stays.
    pub async fn renew(&self, signer: &dyn LogSigner, now_ms: u64) -> Result<bool, KeyError> {
        let present = match self.read().await {
            Ok((_, voucher)) => Some(voucher),
            Err(KeyError::Empty(_)) => None,
            Err(error) => return Err(error),
        };
        let lasts = present.is_some_and(|voucher| {
            voucher.until_ms > now_ms.saturating_add(RENEWED_MS)
                && voucher.verify(signer.vkey()).is_ok()
        });
        if lasts {
            return Ok(false);
        }
        let mut seed: Seed = [0; 32];
        getrandom::fill(&mut seed).map_err(KeyError::Random)?;
        let terms = ReceiptTerms {
            key: ReceiptKey::new(&seed).public(),
            from_ms: now_ms,
            until_ms: now_ms + LIFE_MS,
        };
        let kept = Kept {
            seed: hex::encode(seed),
            voucher: signer.vouch_receipt(terms).await?,
        };
        let text = serde_json::to_string(&kept).map_err(|_| self.form())?;
        self.keys.write(&self.source, text).await?;
        Ok(true)
    }

    async fn read(&self) -> Result<(ReceiptKey, ReceiptVoucher), KeyError> {
        let text = self.keys.text(&self.source).await?;
        let kept: Kept = serde_json::from_str(&text).map_err(|_| self.form())?;
        let mut seed: Seed = [0; 32];
        hex::decode_to_slice(&kept.seed, &mut seed).map_err(|_| self.form())?;
        let key = ReceiptKey::new(&seed);
        if key.public() == kept.voucher.key {
            Ok((key, kept.voucher))
        } else {
            Err(self.form())
        }
    }

    fn form(&self) -> KeyError {
        KeyError::Form {
            place: self.source.clone(),
            expected: "a receipt key's seed and the voucher for it, as JSON",
        }
    }
}
