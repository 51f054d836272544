#include "appliance/audit/verify/merkle.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <random>

#include "appliance/base/encoding.h"

namespace sigillo::audit {
namespace {

// The tree written down as RFC 6962 §2.1 defines it, with no regard for speed.
Hash mth(std::span<const Hash> leaves) {
    if (leaves.empty()) return empty_root();
    if (leaves.size() == 1) return leaves[0];
    const std::size_t k = std::bit_floor(leaves.size() - 1);
    return node_hash(mth(leaves.first(k)), mth(leaves.subspan(k)));
}

std::vector<Hash> some_leaves(std::size_t count) {
    std::vector<Hash> leaves;
    for (std::size_t i = 0; i < count; ++i)
        leaves.push_back(leaf_hash(as_bytes("leaf " + std::to_string(i))));
    return leaves;
}

NodeReader nodes_of(const std::vector<Hash>& leaves) {
    return [&leaves](unsigned level, std::uint64_t index) -> Result<Hash> {
        const std::size_t width = std::size_t{1} << level;
        return mth(std::span(leaves).subspan(index * width, width));
    };
}

TEST(Merkle, RootsAreThoseOfTheKnownVectors) {
    // The test data of the Certificate Transparency implementations.
    const std::vector<std::string> inputs{
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
    const std::vector<std::string> roots{"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    Frontier tree;
    EXPECT_EQ(hex_encode(tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        tree.append(leaf_hash(*hex_decode(inputs[i])));
        EXPECT_EQ(hex_encode(tree.root()), roots[i]) << "size " << i + 1;
    }
}

TEST(Merkle, TheFrontierHasTheRootOfTheWholeTreeAtEverySize) {
    const auto leaves = some_leaves(300);
    Frontier tree;
    for (std::size_t size = 0; size <= leaves.size(); ++size) {
        const auto first = std::span(leaves).first(size);
        ASSERT_EQ(tree.root(), mth(first));
        ASSERT_EQ(*tree_root(size, nodes_of(leaves)), mth(first));
        const auto read = tree_frontier(size, nodes_of(leaves));
        ASSERT_TRUE(read);
        ASSERT_EQ(read->hashes(), tree.hashes());
        if (size < leaves.size()) tree.append(leaves[size]);
    }
}

TEST(Merkle, AFrontierThatDoesNotFitItsSizeIsRefused) {
    EXPECT_FALSE(Frontier::create(3, {empty_root()}));
    EXPECT_FALSE(Frontier::create(0, {empty_root()}));
    EXPECT_TRUE(Frontier::create(4, {empty_root()}));
}

TEST(Merkle, EveryInclusionProofUpTo70LeavesHoldsAndNoOtherDoes) {
    const auto leaves = some_leaves(70);
    const auto nodes = nodes_of(leaves);
    for (std::size_t size = 1; size <= leaves.size(); ++size) {
        const Hash root = mth(std::span(leaves).first(size));
        for (std::size_t index = 0; index < size; ++index) {
            auto proof = inclusion_proof(index, size, nodes);
            ASSERT_TRUE(proof);
            ASSERT_TRUE(verify_inclusion(index, size, leaves[index], *proof, root))
                << index << " of " << size;
            ASSERT_FALSE(verify_inclusion(index, size, leaves[(index + 1) % leaves.size()], *proof, root));
            ASSERT_TRUE(size == 1 ||
                        !verify_inclusion((index + 1) % size, size, leaves[index], *proof, root));
            ASSERT_FALSE(verify_inclusion(index + size, size, leaves[index], *proof, root));
            proof->push_back(root);
            ASSERT_FALSE(verify_inclusion(index, size, leaves[index], *proof, root));
            proof->resize(proof->size() - 1);
            if (proof->empty()) continue;
            proof->pop_back();
            ASSERT_FALSE(verify_inclusion(index, size, leaves[index], *proof, root));
        }
    }
    EXPECT_FALSE(inclusion_proof(70, 70, nodes));
}

TEST(Merkle, EveryConsistencyProofUpTo70LeavesHoldsAndNoOtherDoes) {
    const auto leaves = some_leaves(70);
    auto forged = leaves;
    forged[0] = empty_root();
    const auto nodes = nodes_of(leaves);
    for (std::size_t now = 0; now <= leaves.size(); ++now) {
        const Hash new_root = mth(std::span(leaves).first(now));
        for (std::size_t before = 0; before <= now; ++before) {
            const Hash old_root = mth(std::span(leaves).first(before));
            auto proof = consistency_proof(before, now, nodes);
            ASSERT_TRUE(proof);
            ASSERT_TRUE(verify_consistency(before, now, old_root, new_root, *proof))
                << before << " to " << now;
            if (before > 0) {
                ASSERT_FALSE(
                    verify_consistency(before, now, mth(std::span(forged).first(before)), new_root, *proof));
                ASSERT_FALSE(
                    verify_consistency(before, now, old_root, mth(std::span(forged).first(now)), *proof));
            }
            ASSERT_FALSE(verify_consistency(now + 1, now, old_root, new_root, *proof));
            for (Hash& hash : *proof) {
                hash[7] ^= 1;
                ASSERT_FALSE(verify_consistency(before, now, old_root, new_root, *proof));
                hash[7] ^= 1;
            }
            proof->push_back(new_root);
            ASSERT_FALSE(verify_consistency(before, now, old_root, new_root, *proof));
        }
    }
    EXPECT_FALSE(consistency_proof(8, 7, nodes));
}

TEST(Merkle, ProofsOfLargeRandomTreesHold) {
    const auto leaves = some_leaves(5000);
    std::map<std::pair<unsigned, std::uint64_t>, Hash> cache;
    const auto plain = nodes_of(leaves);
    const NodeReader nodes = [&](unsigned level, std::uint64_t index) -> Result<Hash> {
        const auto [it, fresh] = cache.try_emplace({level, index});
        if (fresh) it->second = *plain(level, index);
        return it->second;
    };
    std::mt19937_64 random(4711);
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t now = 1 + random() % leaves.size();
        const std::uint64_t before = random() % (now + 1);
        const std::uint64_t index = random() % now;
        const Hash root = *tree_root(now, nodes);
        EXPECT_TRUE(verify_inclusion(index, now, leaves[index], *inclusion_proof(index, now, nodes), root));
        EXPECT_TRUE(verify_consistency(before, now, *tree_root(before, nodes), root,
                                       *consistency_proof(before, now, nodes)));
    }
}

}  // namespace
}  // namespace sigillo::audit
