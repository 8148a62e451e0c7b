# A list in three parts, one an allocation, which are numbered from 0. Merge their reports where the volume is:
#   hawkeye merge /reports/shard-*.ndjson
job "hawkeye" {
  type = "batch"
  group "scan" {
    count = 3
    volume "reports" {
      type   = "host"
      source = "reports"
    }
    task "scan" {
      driver = "exec"
      volume_mount {
        volume      = "reports"
        destination = "/reports"
      }
      config {
        command = "/usr/local/bin/hawkeye"
        args = ["scan", "-q", "--targets", "/reports/servers.json", "--shard", "${NOMAD_ALLOC_INDEX}/3", "--no-history",
                "--fail-on", "never", "--allow-incomplete", "--output", "/reports/shard-${NOMAD_ALLOC_INDEX}.ndjson"]
      }
      resources {
        cpu    = 500
        memory = 256
      }
    }
  }
}
