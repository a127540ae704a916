// Counts a file of keys with SpaceSaving and prints what it knows: Benchmarks/space-saving.py compares it with the truth
// and with DataSketches.
//
// usage: space-saving-bench FILE BYTES    FILE holds keys of 8 bytes, the sketch may take BYTES
import Foundation
import Sketches

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(1)
}

guard CommandLine.arguments.count == 3, let bytes = Int(CommandLine.arguments[2]) else {
    fail("usage: space-saving-bench FILE BYTES")
}
guard let data = FileManager.default.contents(atPath: CommandLine.arguments[1]) else {
    fail("\(CommandLine.arguments[1]) cannot be read")
}
var sketch = SpaceSaving<UInt64>(capacity: SpaceSaving<UInt64>.capacity(bytes: bytes))
let clock = ContinuousClock()
let elapsed = data.withUnsafeBytes { raw in
    clock.measure {
        for key in raw.bindMemory(to: UInt64.self) { sketch.add(UInt64(littleEndian: key)) }
    }
}
let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
print("capacity", sketch.capacity)
print("bytes", sketch.byteCount)
print("seconds", seconds)
print("unseen", sketch.unseenBound)
for counter in sketch.top(sketch.capacity) { print("counter", counter.key, counter.lowerBound, counter.upperBound) }
