//! Digests and message authentication codes, in lower-case hexadecimal.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use regorus::Value;
use sha2::Digest;

use crate::Result;
use crate::arguments::text;

pub(crate) fn md5(arguments: &[Value]) -> Result {
    digest::<md5::Md5>(arguments)
}

pub(crate) fn sha1(arguments: &[Value]) -> Result {
    digest::<sha1::Sha1>(arguments)
}

pub(crate) fn sha256(arguments: &[Value]) -> Result {
    digest::<sha2::Sha256>(arguments)
}

fn digest<D: Digest>(arguments: &[Value]) -> Result {
    let digest = D::digest(text(arguments, 0)?.as_bytes());
    Ok(HEXLOWER.encode(&digest).into())
}

pub(crate) fn hmac_md5(arguments: &[Value]) -> Result {
    authenticate(arguments, code_md5)
}

pub(crate) fn hmac_sha1(arguments: &[Value]) -> Result {
    authenticate(arguments, code_sha1)
}

pub(crate) fn hmac_sha256(arguments: &[Value]) -> Result {
    authenticate(arguments, code_sha256)
}

pub(crate) fn hmac_sha512(arguments: &[Value]) -> Result {
    authenticate(arguments, code_sha512)
}

/// Computes the code of a message under a key.
pub(crate) type Code = fn(&[u8], &[u8]) -> anyhow::Result<Vec<u8>>;

fn authenticate(arguments: &[Value], code: Code) -> Result {
    let code = code(
        text(arguments, 0)?.as_bytes(),
        text(arguments, 1)?.as_bytes(),
    )?;
    Ok(HEXLOWER.encode(&code).into())
}

macro_rules! authentication {
    ($($code:ident $digest:ty;)*) => {$(
        /// Computes the code of a message under a key.
        pub(crate) fn $code(message: &[u8], key: &[u8]) -> anyhow::Result<Vec<u8>> {
            let mut code = <Hmac<$digest> as KeyInit>::new_from_slice(key)
                .map_err(|error| anyhow::anyhow!("{error}"))?;
            code.update(message);
            Ok(code.finalize().into_bytes().to_vec())
        }
    )*};
}

authentication! {
    code_md5 md5::Md5;
    code_sha1 sha1::Sha1;
    code_sha256 sha2::Sha256;
    code_sha384 sha2::Sha384;
    code_sha512 sha2::Sha512;
}

pub(crate) fn hmac_equal(arguments: &[Value]) -> Result {
    Ok((text(arguments, 0)? == text(arguments, 1)?).into())
}
