// Calls the gRPC peer's echo at a fixed rate, whether answers come or not: an open loop. The peer's own client sends
// when it is answered: a stall keeps it from asking, and so hides in few slow calls ("coordinated omission", Tene).
//
// usage: open-loop --port P --connections N --in-flight M --bytes B --rate R --seconds S
//
// Call k is due k / R seconds after the start, and its latency counts from then, not from when it was sent. At most M
// calls a connection are on their way; a call that has to wait for its turn grows older meanwhile. Prints the line of
// JSON that Scripts/bench_rpc.py describes. It is built against the peer's echo.proto.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "echo.grpc.pb.h"

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// How long answers are waited for after the last call was due.
constexpr double drain_seconds = 10;
constexpr double most_calls = 1e8;

struct Load {
  long port, connections, in_flight, bytes;
  double rate, seconds;

  long calls() const { return std::lround(rate * seconds); }
};

struct Call {
  grpc::ClientContext context;
  peer::Blob answer;
  grpc::Status status;
  Clock::time_point due;
  std::unique_ptr<grpc::ClientAsyncResponseReader<peer::Blob>> reader;
};

// What the collecting thread has seen. The sending thread looks at `on_their_way` while both run, at the rest after the
// join.
struct Answers {
  std::atomic<long> on_their_way{0};
  long answered = 0;
  long failed = 0;
  long answered_in_time = 0;  // before the last second was over
  long failed_in_time = 0;
  std::string first_failure;
  std::vector<float> latencies_us;
};

class OpenLoop {
 public:
  explicit OpenLoop(const Load& load) : load_(load) {
    request_.set_body(std::string(load.bytes, 'x'));
    answers_.latencies_us.reserve(load.calls());
    for (long lane = 0; lane < load.connections; lane++) stubs_.push_back(connect(lane));
  }

  void run() {
    begin_ = Clock::now();
    end_ = begin_ + after(load_.seconds);
    give_up_ = end_ + after(drain_seconds);
    std::thread collector([this] { collect(); });
    send();
    collector.join();
  }

  void report() {
    // A call without an answer is at least this late; leaving it out would make a stalled run look fast.
    long unanswered = load_.calls() - answers_.answered;
    std::vector<float>& latencies = answers_.latencies_us;
    latencies.insert(latencies.end(), unanswered, drain_seconds * 1e6);
    std::sort(latencies.begin(), latencies.end());
    double p99_us = percentile(0.99);
    double per_second = (answers_.answered_in_time - answers_.failed_in_time) / load_.seconds;
    printf("{\"ops\": %ld, \"ops_per_s\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
           "\"errors\": %ld, \"backlog\": %ld, \"bytes_per_s\": %.1f}\n",
           answers_.answered - answers_.failed, per_second, percentile(0.5), p99_us, percentile(0.999),
           answers_.failed + unanswered, backlog(p99_us), per_second * load_.bytes);
    if (answers_.failed > 0) fprintf(stderr, "first failure: %s\n", answers_.first_failure.c_str());
  }

 private:
  static Clock::duration after(double seconds) { return std::chrono::duration_cast<Clock::duration>(Seconds(seconds)); }

  std::unique_ptr<peer::Echo::Stub> connect(long lane) {
    // gRPC gives channels of equal arguments one connection; a number of its own keeps each lane apart.
    grpc::ChannelArguments arguments;
    arguments.SetInt("lane", static_cast<int>(lane));
    auto channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(load_.port),
                                             grpc::InsecureChannelCredentials(), arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)))
      throw std::runtime_error("no server answers on port " + std::to_string(load_.port));
    return peer::Echo::NewStub(channel);
  }

  Clock::time_point due(long call) const { return begin_ + after(call / load_.rate); }

  void send() {
    long most_on_their_way = load_.in_flight * load_.connections;
    for (long call = 0; call < load_.calls(); call++) {
      if (due(call) > Clock::now()) std::this_thread::sleep_until(due(call));
      while (answers_.on_their_way >= most_on_their_way && Clock::now() < give_up_)
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      if (Clock::now() >= give_up_) return;
      start(call);
    }
  }

  void start(long number) {
    auto* call = new Call;
    call->due = due(number);
    answers_.on_their_way++;
    call->reader = stubs_[number % stubs_.size()]->AsyncUnary(&call->context, request_, &queue_);
    call->reader->Finish(&call->answer, &call->status, call);
  }

  void collect() {
    auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(give_up_ - Clock::now()).count();
    gpr_timespec give_up = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left, GPR_TIMESPAN));
    void* tag;
    bool ok;
    while (answers_.answered < load_.calls() &&
           queue_.AsyncNext(&tag, &ok, give_up) == grpc::CompletionQueue::GOT_EVENT)
      take(std::unique_ptr<Call>(static_cast<Call*>(tag)));
  }

  void take(std::unique_ptr<Call> call) {
    auto now = Clock::now();
    bool in_time = now <= end_;
    answers_.on_their_way--;
    answers_.answered++;
    answers_.answered_in_time += in_time;
    if (call->status.ok() && call->answer.body().size() == request_.body().size()) {
      answers_.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - call->due).count());
    } else {
      answers_.failed_in_time += in_time;
      note_failure(*call);
    }
  }

  void note_failure(const Call& call) {
    if (answers_.failed++ > 0) return;
    answers_.first_failure = call.status.ok() ? "an answer of another length" : call.status.error_message();
  }

  // The nearest rank of the sorted latencies.
  double percentile(double part) const {
    const std::vector<float>& latencies = answers_.latencies_us;
    if (latencies.empty()) return 0;
    auto rank = static_cast<size_t>(std::ceil(part * latencies.size()));
    return latencies[std::max<size_t>(rank, 1) - 1];
  }

  // Calls that were due and had no answer at the end, apart from those that are on their way at any moment: by Little's
  // law rate × latency, and p99 is a generous latency.
  long backlog(double p99_us) const {
    long unanswered = load_.calls() - answers_.answered_in_time;
    return std::max(0L, unanswered - static_cast<long>(std::ceil(load_.rate * p99_us / 1e6)));
  }

  const Load load_;
  peer::Blob request_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<peer::Echo::Stub>> stubs_;
  Clock::time_point begin_, end_, give_up_;
  Answers answers_;
};

double number(const std::map<std::string, std::string>& flags, const std::string& name) {
  auto found = flags.find(name);
  double value = found == flags.end() ? 0 : atof(found->second.c_str());
  if (!(value > 0)) throw std::runtime_error(name + " must be given, and be above 0");
  return value;
}

Load parse(int count, char** words) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i + 1 < count; i += 2) flags[words[i]] = words[i + 1];
  auto whole = [&](const char* name) { return std::lround(number(flags, name)); };
  Load load{whole("--port"),  whole("--connections"),   whole("--in-flight"),
            whole("--bytes"), number(flags, "--rate"), number(flags, "--seconds")};
  if (load.rate * load.seconds > most_calls) throw std::runtime_error("more than 100 million calls in one run");
  return load;
}

}  // namespace

int main(int count, char** words) {
  try {
    // Calls that are never answered still belong to the queue, which therefore must not be taken down: it stays until
    // the process ends, at once.
    auto* loop = new OpenLoop(parse(count, words));
    loop->run();
    loop->report();
  } catch (const std::exception& error) {
    fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  fflush(nullptr);
  std::_Exit(0);
}
