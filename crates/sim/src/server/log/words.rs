//! What containers write.

pub(super) const START: [&str; 3] =
    ["INFO  starting, configuration from environment", "INFO  connected to its dependencies", "INFO  ready to serve"];

pub(super) const END: &[&str] = &["INFO  asked to end (SIGTERM): finishing what is under way"];

pub(super) const FATAL: [&str; 4] = [
    "INFO  starting, configuration from environment",
    "INFO  connecting to postgres host=postgres port=5432",
    "ERROR column runs.priority does not exist (migration 0042 has not run)",
    "FATAL startup failed, exit code 1",
];

const API: &[&str] = &[
    "INFO  request method=GET path=/health/ready status=200 duration_ms=2",
    "INFO  request method=GET path=/health status=200 duration_ms=1",
    "INFO  request method=POST path=/v1/runs status=201 duration_ms=184",
    "INFO  request method=GET path=/v1/runs status=200 duration_ms=37",
    "DEBUG cache hit key=session ttl_s=840",
    "INFO  request method=GET path=/v1/projects status=200 duration_ms=52",
    "WARN  slow query duration_ms=1240 table=runs",
    "WARN  upstream timeout host=qdrant after_ms=3000 retry=1",
];

const POSTGRES: &[&str] = &[
    "LOG:  checkpoint starting: time",
    "LOG:  checkpoint complete: wrote 214 buffers (1.3%); write=21.441 s, sync=0.012 s, total=21.470 s",
    "LOG:  automatic vacuum of table \"devmatrix.public.runs\": index scans: 1",
    "LOG:  duration: 1240.118 ms  statement: SELECT * FROM runs WHERE project_id = $1 ORDER BY created_at DESC",
    "LOG:  connection authorized: user=api database=devmatrix application_name=devmatrix-api",
];

const QDRANT: &[&str] = &[
    "INFO actix_web::middleware::logger: \"POST /collections/documents/points/search HTTP/1.1\" 200 412 \"-\" 0.011",
    "INFO actix_web::middleware::logger: \"PUT /collections/documents/points?wait=true HTTP/1.1\" 200 89 \"-\" 0.034",
    "INFO storage::content_manager: optimizing segment, 21034 vectors",
    "WARN collection::shards: search took 3.1 s, threshold is 3 s",
];

const NEO4J: &[&str] = &[
    "INFO  Started transaction 88214 for user 'devmatrix'",
    "INFO  Checkpoint triggered by \"Scheduled checkpoint for every 15 min\" completed in 184ms",
    "WARN  Query took 2104 ms: MATCH (c:Component)-[:USES*..4]->(d) RETURN d",
];

const REDIS: &[&str] = &[
    "1:M * 100 changes in 300 seconds. Saving...",
    "1:C * DB saved on disk",
    "1:M * Background saving terminated with success",
    "1:M # Client closed connection in the middle of a reply",
];

const NGINX: &[&str] = &[
    "10.244.1.9 - - \"GET / HTTP/2.0\" 200 4821 \"-\" \"Mozilla/5.0\"",
    "10.244.1.9 - - \"GET /api/v1/projects HTTP/2.0\" 200 912 \"-\" \"Mozilla/5.0\"",
    "10.244.2.4 - - \"POST /api/v1/runs HTTP/2.0\" 201 318 \"-\" \"Mozilla/5.0\"",
    "[error] 31#31: *8841 upstream timed out (110: Operation timed out) while reading response header, upstream: \"http://devmatrix-api:8000\"",
];

const PROMETHEUS: &[&str] = &[
    "level=INFO component=tsdb msg=\"write block completed\" mint=1795507200000 maxt=1795514400000",
    "level=INFO component=tsdb msg=\"Head GC completed\" duration=21.4ms",
    "level=WARN component=\"scrape manager\" msg=\"Error on ingesting samples with different value but same timestamp\" num_dropped=2",
];

const ELASTICSEARCH: &[&str] = &[
    "[INFO ][o.e.c.m.MetadataMappingService] [logs-2026.11.24] update_mapping [_doc]",
    "[INFO ][o.e.m.j.JvmGcMonitorService] [gc][8841] overhead, spent [412ms] collecting in the last [1s]",
    "[WARN ][o.e.c.r.a.DiskThresholdMonitor] low disk watermark [85%] exceeded on [elasticsearch-1]",
];

const FILEBEAT: &[&str] = &[
    "INFO [monitoring] Non-zero metrics in the last 30s: events active=12 added=2104 done=2104",
    "INFO [publisher] Connection to backoff(elasticsearch(http://elasticsearch:9200)) established",
    "WARN [elasticsearch] Cannot index event (status=400): mapper_parsing_exception",
];

/// What a container of this name writes while it runs.
pub(super) fn of(container: &str) -> &'static [&'static str] {
    match container {
        "postgres" => POSTGRES,
        "qdrant" => QDRANT,
        "neo4j" => NEO4J,
        "redis" => REDIS,
        "nginx" => NGINX,
        "prometheus" => PROMETHEUS,
        "elasticsearch" => ELASTICSEARCH,
        "filebeat" => FILEBEAT,
        _ => API,
    }
}
