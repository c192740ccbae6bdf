use policy::*;
#[test]
fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(Config {
        cache: Some(Cache {
            folder: dir.path().into(),
            key: [1; 32],
        }),
        engine: None,
    })
    .unwrap();
    let dossier: model::Dossier = serde_json::from_value(serde_json::json!({
        "approvals": [], "attestations": [], "change": {"commits": [], "complete": true}, "now_ms": 1,
        "required": [], "subject": {"environment":"p","fingerprint": "a".repeat(64), "flow":"f","name":"n","trail":"t"}
    })).unwrap();
    let input = DossierInput::new(&dossier).unwrap();
    for seed in stock::seeds() {
        let t = std::time::Instant::now();
        let p = match sandbox.prepare(&seed.source()) {
            Ok(p) => p,
            Err(e) => {
                println!("{} {e} {:?}", seed.control, e);
                continue;
            }
        };
        let t1 = t.elapsed();
        let e = p.evaluate(&input, "{}", &Limits::default());
        println!("{} {:?} {:?} {:?}", seed.control, seed.form, t1, e);
        let t = std::time::Instant::now();
        for _ in 0..1000 {
            assert_eq!(p.evaluate(&input, "{}", &Limits::default()), e)
        }
        println!("   {:?}", t.elapsed() / 1000);
    }
}
