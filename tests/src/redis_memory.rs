//! Memory of Redis. The servers have the policies of `docker-compose.yml`.

use std::path::Path;

use abacus_testkit::{RedisServer, System};

const MEMORY: &str = "3mb";
/// Values of 100 kB, in total larger than the memory.
const VALUES: usize = 100;

/// Returns the policy for a full memory of a server in `docker-compose.yml`.
fn policy(server: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker-compose.yml");
    let file = std::fs::read_to_string(path).unwrap();
    let section = file.split_once(&format!("\n  {server}:\n")).expect("a server").1;
    let policy = section.split_once("\"--maxmemory-policy\", \"").expect("a policy").1;
    policy.split('"').next().unwrap().to_owned()
}

#[test]
fn a_full_cache_forgets_no_rate_limit() {
    let mut system = System::new();
    let start = |server| {
        let arguments = ["--maxmemory", MEMORY, "--maxmemory-policy", &policy(server)];
        RedisServer::start_with(&system.stack, &arguments)
    };
    let (cache, limits) = (start("redis"), start("limits"));
    system.set("ABACUS_LIMIT_COMPUTE", "20/1h");
    let processor = system.processor().set("ABACUS_REDIS_URL", cache.url());
    let ingress = system.ingress().set("ABACUS_REDIS_URL", limits.url());
    let [mut first, _processor] = system.start_all([ingress.clone(), processor]);
    let client = first.http();
    let statuses: Vec<u16> = (0..21).map(|_| client.get("/v1/pow/2/10").status).collect();
    assert_eq!(statuses, [&[200; 20][..], &[429]].concat());
    let fill = |server: &RedisServer| {
        let value = vec![b'x'; 100_000];
        (0..VALUES).filter(|n| server.write(&format!("x{n}"), &value).is_ok()).count()
    };
    assert_eq!(fill(&cache), VALUES);
    assert!(cache.size() < VALUES, "the cache evicts");
    assert!(fill(&limits) < VALUES, "the limits refuse writes");
    // A second instance knows the quota from Redis only.
    let second = ingress.set("ABACUS_INSTANCE_ID", format!("{}-ingress-2", system.name()));
    assert_eq!(system.start(&second).http().get("/v1/pow/2/10").status, 429);
}
