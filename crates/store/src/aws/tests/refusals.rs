//! Tables, journals and keys that are not what was asked for: each is refused, and nothing is written.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use journal::key::LogKey;
use model::Class;

use super::place::{Place, servers, unique};
use crate::aws::{Dynamo, Settings};
use crate::conformance::{SEED, attestation, genesis, journal_id, stream};
use crate::{AppendError, OpenError, Store as _};

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(one) = next {
        text = format!("{text}: {one}");
        next = one.source();
    }
    text
}

#[tokio::test]
async fn a_table_of_another_application_is_refused() {
    let Some(servers) = servers() else { return };
    let mut place = Place::new(servers.clients(&[])).await;
    place.address.table = unique("foreign");
    let attribute = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let table = place
        .clients
        .dynamodb
        .create_table()
        .table_name(&place.address.table);
    let table = table
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(key.build().unwrap());
    table.send().await.unwrap();
    let journal = journal_id();
    let settings = place.settings(&journal);
    let opened = Dynamo::open(&settings).await.err();
    assert!(matches!(opened, Some(OpenError::Foreign)), "{opened:?}");
    let created = Dynamo::create(&settings, genesis(&journal)).await.err();
    assert!(matches!(created, Some(OpenError::Foreign)), "{created:?}");
    assert!(place.items(&place.address.table).await.is_empty());
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_with_its_region() {
    let Some(servers) = servers() else { return };
    let mut place = Place::new(servers.clients(&[])).await;
    place.address.table = "elsewhere".to_owned();
    let error = Dynamo::open(&place.settings(&journal_id()))
        .await
        .err()
        .unwrap();
    assert_eq!(error.class(), Class::Unavailable);
    let text = chain(&error);
    assert!(
        text.contains("on `elsewhere in eu-west-1` found no such thing in this region"),
        "{text}"
    );
}

#[tokio::test]
async fn a_journal_that_is_not_in_the_table_is_not_found() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    Dynamo::create(&place.settings(&journal), genesis(&journal))
        .await
        .unwrap();
    let before = place.items(&place.address.table).await.len();
    let other = "trailmark/another".parse().unwrap();
    let error = Dynamo::open(&place.settings(&other)).await.err();
    assert!(matches!(error, Some(OpenError::NotFound)), "{error:?}");
    assert_eq!(place.items(&place.address.table).await.len(), before);
}

#[tokio::test]
async fn two_journals_under_one_id_are_refused() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let settings = place.settings(&journal);
    // At the same time, and then again.
    let both = tokio::join!(
        Dynamo::create(&settings, genesis(&journal)),
        Dynamo::create(&settings, genesis(&journal))
    );
    let created = [&both.0, &both.1].iter().filter(|one| one.is_ok()).count();
    assert_eq!(created, 1);
    let again = Dynamo::create(&settings, genesis(&journal)).await.err();
    assert!(matches!(again, Some(OpenError::Exists)), "{again:?}");
    // Another table, but the checkpoint of a journal with this id.
    let outside = place
        .clients
        .s3
        .put_object()
        .bucket(place.address.checkpoint_bucket());
    let note = b"a checkpoint".to_vec();
    outside
        .key(format!("{journal}/checkpoint"))
        .body(note.into())
        .send()
        .await
        .unwrap();
    let mut other = place.clone();
    other.address.table = unique("table");
    other.make_table(&other.address.table).await;
    let error = Dynamo::create(&other.settings(&journal), genesis(&journal))
        .await
        .err();
    assert!(matches!(error, Some(OpenError::OutsideExists)), "{error:?}");
    assert!(other.items(&other.address.table).await.is_empty());
}

#[tokio::test]
async fn a_key_that_is_not_the_logs_is_refused() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    let pinned = |seed| Settings {
        pin: Some(LogKey::new(&journal, seed).vkey().clone()),
        ..place.settings(&journal)
    };
    Dynamo::create(&place.settings(&journal), genesis(&journal))
        .await
        .unwrap();
    Dynamo::open(&pinned(&SEED)).await.unwrap();
    let error = Dynamo::open(&pinned(&[1; 32])).await.err();
    assert!(matches!(error, Some(OpenError::OtherKey(_))), "{error:?}");
}

#[tokio::test]
async fn a_store_without_a_receipt_key_only_reads() {
    let Some(servers) = servers() else { return };
    let place = Place::new(servers.clients(&[])).await;
    let journal = journal_id();
    Dynamo::create(&place.settings(&journal), genesis(&journal))
        .await
        .unwrap();
    let settings = Settings {
        promiser: None,
        ..place.settings(&journal)
    };
    let store = Dynamo::open(&settings).await.unwrap();
    let before = place.items(&place.address.table).await.len();
    let error = store
        .append(vec![attestation(1, &[stream("a")])])
        .await
        .unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    assert_eq!(place.items(&place.address.table).await.len(), before);
    assert!(
        store
            .head(&"admin".parse().unwrap())
            .await
            .unwrap()
            .is_some()
    );
}
