import Glibc

/// How surprising a count is: −log₁₀ of the chance to see that many or more, if events came at random at the expected
/// rate. 2 is one in a hundred, 10 one in ten billion.
///
/// The model is the Poisson one of Hendrickson, Kolb, Lehman, Montague: Trend Detection in Social Data (Gnip, 2015),
/// whose measure is a distance from the confidence interval; the tail's chance grows with it, and compares a small
/// hashtag's rise with a large one's.
enum TrendScore {
    /// - Parameters:
    ///   - votes: seen; 0 and less surprise nobody.
    ///   - expected: positive and finite.
    /// - Returns: 0 or more, never infinite. Takes O(√votes) steps where the two are close, fewer elsewhere.
    static func surprise(votes: Int64, expected: Double) -> Double {
        precondition(expected > 0 && expected.isFinite, "something must have been expected")
        guard votes > 0 else { return 0 }
        let logTail = Double(votes) > expected ? logUpperTail(votes, expected) : logOneMinusLowerTail(votes, expected)
        return max(0, -logTail / M_LN10)
    }

    /// ln P(X ≥ k), for k > λ: the first term times 1 + λ/(k+1) + λ²/((k+1)(k+2)) + …, which only falls.
    private static func logUpperTail(_ votes: Int64, _ expected: Double) -> Double {
        let k = Double(votes)
        var (sum, term, next) = (1.0, 1.0, k + 1)
        while term > sum * 1e-17 {
            term *= expected / next
            sum += term
            next += 1
        }
        return logChance(k, expected) + log(sum)
    }

    /// ln (1 − P(X ≤ k − 1)), for k ≤ λ: from the last term downwards, which only falls. The chance is at least about a
    /// half here, so nothing is lost by the subtraction.
    private static func logOneMinusLowerTail(_ votes: Int64, _ expected: Double) -> Double {
        let last = Double(votes - 1)
        var (sum, term, next) = (1.0, 1.0, last)
        while term > sum * 1e-17 {
            term *= next / expected
            sum += term
            next -= 1
        }
        return log1p(-min(1, exp(logChance(last, expected) + log(sum))))
    }

    /// ln P(X = k), in the saddle-point form of Loader: Fast and Accurate Computation of Binomial Probabilities, 2000:
    /// k ln λ − λ − ln k! would cancel all its digits for large k.
    private static func logChance(_ k: Double, _ expected: Double) -> Double {
        guard k > 0 else { return -expected }
        return -stirlingError(k) - deviance(k, expected) - 0.5 * log(2 * .pi * k)
    }

    /// ln k! minus Stirling's approximation of it.
    private static func stirlingError(_ k: Double) -> Double {
        guard k >= 16 else {
            let logFactorial = (1...Int(k)).reduce(0.0) { $0 + log(Double($1)) }
            return logFactorial - (k + 0.5) * log(k) + k - 0.5 * log(2 * .pi)
        }
        let square = k * k
        return (1 / 12.0 - (1 / 360.0 - (1 / 1260.0 - (1 / 1680.0) / square) / square) / square) / k
    }

    /// k ln(k/λ) + λ − k without cancellation: with v = (k − λ)/(k + λ), ln(k/λ) is 2 artanh v.
    private static func deviance(_ k: Double, _ expected: Double) -> Double {
        let v = (k - expected) / (k + expected)
        guard abs(v) < 0.1 else { return k * log(k / expected) + expected - k }
        var sum = (k - expected) * v
        var power = 2 * k * v
        var odd = 3.0
        while true {
            power *= v * v
            let longer = sum + power / odd
            if longer == sum { return sum }
            sum = longer
            odd += 2
        }
    }
}
