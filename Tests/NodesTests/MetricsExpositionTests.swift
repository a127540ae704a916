import Nodes
import Testing

/// What a scraper reads.
@Suite struct MetricsExpositionTests {
    @Test func everyKindOfMetricIsWrittenInTheTextFormat() {
        let registry = PrometheusRegistry(help: ["rpc.requests": "Requests answered,\nby \\method"])
        registry.makeCounter(label: "rpc.requests", dimensions: [("method", "Home")]).increment(by: 3)
        registry.makeCounter(label: "rpc.requests", dimensions: [("method", "Post")]).increment(by: 1)
        registry.makeFloatingPointCounter(label: "cpu_seconds_total", dimensions: []).increment(by: 0.25)
        let load = registry.makeMeter(label: "9load", dimensions: [("zone", "a"), ("le", "x")])
        load.set(7.5)
        load.decrement(by: 2)
        registry.makeRecorder(label: "queue depth", dimensions: [], aggregate: false).record(12 as Int64)

        #expect(
            registry.render() == """
                # HELP _9load 9load
                # TYPE _9load gauge
                _9load{exported_le="x",zone="a"} 5.5
                # HELP cpu_seconds_total cpu_seconds_total
                # TYPE cpu_seconds_total counter
                cpu_seconds_total 0.25
                # HELP queue_depth queue depth
                # TYPE queue_depth gauge
                queue_depth 12
                # HELP rpc_requests_total Requests answered,\\nby \\\\method
                # TYPE rpc_requests_total counter
                rpc_requests_total{method="Home"} 3
                rpc_requests_total{method="Post"} 1

                """)
    }

    @Test func aTimerIsAHistogramInSeconds() {
        let registry = PrometheusRegistry()
        let timer = registry.makeTimer(label: "rpc.latency", dimensions: [("method", "Home")])
        timer.recordNanoseconds(100_000)  // on a bound: bounds are inclusive
        timer.recordNanoseconds(2_000_000)
        timer.recordNanoseconds(60_000_000_000)  // above every bound

        #expect(
            registry.render() == """
                # HELP rpc_latency_seconds rpc.latency
                # TYPE rpc_latency_seconds histogram
                rpc_latency_seconds_bucket{method="Home",le="0.0001"} 1
                rpc_latency_seconds_bucket{method="Home",le="0.00025"} 1
                rpc_latency_seconds_bucket{method="Home",le="0.0005"} 1
                rpc_latency_seconds_bucket{method="Home",le="0.001"} 1
                rpc_latency_seconds_bucket{method="Home",le="0.0025"} 2
                rpc_latency_seconds_bucket{method="Home",le="0.005"} 2
                rpc_latency_seconds_bucket{method="Home",le="0.01"} 2
                rpc_latency_seconds_bucket{method="Home",le="0.025"} 2
                rpc_latency_seconds_bucket{method="Home",le="0.05"} 2
                rpc_latency_seconds_bucket{method="Home",le="0.1"} 2
                rpc_latency_seconds_bucket{method="Home",le="0.25"} 2
                rpc_latency_seconds_bucket{method="Home",le="0.5"} 2
                rpc_latency_seconds_bucket{method="Home",le="1"} 2
                rpc_latency_seconds_bucket{method="Home",le="2.5"} 2
                rpc_latency_seconds_bucket{method="Home",le="5"} 2
                rpc_latency_seconds_bucket{method="Home",le="10"} 2
                rpc_latency_seconds_bucket{method="Home",le="+Inf"} 3
                rpc_latency_seconds_sum{method="Home"} 60.0021
                rpc_latency_seconds_count{method="Home"} 3

                """)
    }

    @Test func numbersThatAreNoneDoNotSpoilASeries() {
        let registry = PrometheusRegistry()
        registry.makeRecorder(label: "depth", dimensions: [], aggregate: false).record(-Double.infinity)
        let sizes = registry.makeRecorder(label: "sizes", dimensions: [], aggregate: true)
        sizes.record(Double.nan)
        sizes.record(2 as Int64)
        let text = registry.render()
        #expect(text.contains("\ndepth -Inf\n"))
        #expect(text.contains("\nsizes_sum 2\n") && text.contains("\nsizes_count 1\n"))
    }

    @Test func namesThatPrometheusKeepsForItselfAreNotUsed() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "n", dimensions: [("__name__", "x"), ("a-b", "y")]).increment(by: 1)
        #expect(registry.render().hasSuffix("\nn_total{_name__=\"x\",a_b=\"y\"} 1\n"))
    }

    /// A label value may come from outside: a quote or a line end in it must not become a line of its own.
    @Test func labelValuesCannotForgeLines() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "n", dimensions: [("name", "a\"} 1\nforged 9\\")]).increment(by: 1)
        #expect(registry.render().contains(#"n_total{name="a\"} 1\nforged 9\\"} 1"#))
    }

    @Test func theOrderOfDimensionsDoesNotMakeAnotherSeries() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "n", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
        registry.makeCounter(label: "n", dimensions: [("b", "2"), ("a", "1")]).increment(by: 1)
        #expect(registry.render().hasSuffix("\nn_total{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test func oneNameUsedForTwoKindsStaysReadable() {
        let registry = PrometheusRegistry()
        registry.makeRecorder(label: "bytes", dimensions: [], aggregate: false).record(5 as Int64)
        registry.makeRecorder(label: "bytes", dimensions: [], aggregate: true).record(5 as Int64)
        let text = registry.render()
        #expect(text.contains("# TYPE bytes gauge\nbytes 5\n"))
        #expect(text.contains("# TYPE bytes_sizes histogram\n"))
    }

    @Test func theNumberOfSeriesIsBounded() {
        let registry = PrometheusRegistry(maximumSeries: 2)
        for name in ["a", "b", "c", "d"] {
            registry.makeCounter(label: "n", dimensions: [("name", name)]).increment(by: 1)
        }
        let text = registry.render()
        #expect(text.contains("n_total{name=\"b\"} 1\n") && !text.contains("n_total{name=\"c\"}"))
        #expect(text.contains("metrics_dropped_series_total 2\n"))
    }

    @Test func aDestroyedSeriesIsGoneAndMakesRoom() {
        let registry = PrometheusRegistry(maximumSeries: 1)
        registry.destroyCounter(registry.makeCounter(label: "old", dimensions: []))
        registry.makeCounter(label: "new", dimensions: []).increment(by: 1)
        #expect(registry.render().hasSuffix("\nnew_total 1\n"))
        #expect(!registry.render().contains("old"))
    }

    @Test func noUpdateIsLostWhenManyTasksUpdateAtOnce() async {
        let registry = PrometheusRegistry()
        await withDiscardingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    // Each makes its own: all of them must come out as the same series.
                    let counter = registry.makeCounter(label: "n", dimensions: [])
                    let floating = registry.makeFloatingPointCounter(label: "f", dimensions: [])
                    let sizes = registry.makeRecorder(label: "s", dimensions: [], aggregate: true)
                    for _ in 0..<10_000 {
                        counter.increment(by: 1)
                        floating.increment(by: 0.5)
                        sizes.record(3 as Int64)
                    }
                }
            }
        }
        let text = registry.render()
        for line in ["n_total 80000", "f_total 40000", "s_bucket{le=\"4\"} 80000", "s_sum 240000", "s_count 80000"] {
            #expect(text.contains("\n\(line)\n"), "\(line)")
        }
    }
}
