#include "appliance/issuance/x509/subject.h"

#include <gtest/gtest.h>

namespace sigillo {
namespace {

Subject mario() {
    return {
        .country = "IT", .given_name = "Mario", .surname = "Rossi", .identifier = "TINIT-RSSMRA80A01H501U"};
}

void expect_refused(const Subject& subject, Errc code, const std::string& field) {
    const auto name = encode_subject(subject);
    ASSERT_FALSE(name) << field;
    EXPECT_EQ(name.error().code, code) << to_string(name.error());
    EXPECT_EQ(name.error().field, field) << to_string(name.error());
}

TEST(SemanticIdentifier, follows_en_319_412_1) {
    EXPECT_EQ(semantic_identifier(IdentifierType::kTaxNumber, "IT", "RSSMRA80A01H501U"),
              "TINIT-RSSMRA80A01H501U");
    EXPECT_EQ(semantic_identifier(IdentifierType::kPassport, "FR", "X1"), "PASFR-X1");
    EXPECT_EQ(semantic_identifier(IdentifierType::kVatNumber, "IT", "12345678901"), "VATIT-12345678901");
    EXPECT_FALSE(semantic_identifier(IdentifierType::kTaxNumber, "it", "X"));
    EXPECT_FALSE(semantic_identifier(IdentifierType::kTaxNumber, "IT", ""));
    EXPECT_FALSE(semantic_identifier(IdentifierType::kTaxNumber, "IT", "Ü"));
    EXPECT_FALSE(semantic_identifier(IdentifierType::kTaxNumber, "IT", "X*"));
    EXPECT_FALSE(semantic_identifier(IdentifierType::kTaxNumber, "IT", std::string(59, 'X')));
    EXPECT_TRUE(semantic_identifier(IdentifierType::kTaxNumber, "IT", std::string(58, 'X')));
}

TEST(EncodeSubject, missing_members_are_named) {
    expect_refused({}, Errc::kMissingArgument, "country");
    Subject s = mario();
    s.identifier = "";
    expect_refused(s, Errc::kMissingArgument, "identifiers");
    s = mario();
    s.given_name = "";
    expect_refused(s, Errc::kMissingArgument, "name.given");
    s = mario();
    s.surname = "";
    expect_refused(s, Errc::kMissingArgument, "name.family");
    s = mario();
    s.kind = SubjectKind::kLegalPerson;
    expect_refused(s, Errc::kMissingArgument, "organization");
}

TEST(EncodeSubject, text_that_reads_differently_than_it_is_is_refused) {
    for (const std::string& bad :
         {std::string("Ma\0rio", 6), std::string("Mario\n"), std::string("\xE2\x80\xAEoiraM"),
          std::string("M\xFFrio"), std::string(" Mario"), std::string("Mario "), std::string(201, 'M')}) {
        Subject s = mario();
        s.given_name = bad;
        expect_refused(s, Errc::kInvalidArgument, "name.given");
    }
    for (const char* bad : {"I", "ITA", "it", "I1", "Ì"}) {
        Subject s = mario();
        s.country = bad;
        expect_refused(s, Errc::kInvalidArgument, "country");
    }
    for (const std::string& bad :
         {std::string("TINIT_X"), std::string("ü"), std::string(65, '1'), std::string(" 1")}) {
        Subject s = mario();
        s.identifier = bad;
        expect_refused(s, Errc::kInvalidArgument, "identifiers");
    }
}

TEST(EncodeSubject, long_names_of_real_people_are_accepted) {
    Subject s = mario();
    s.given_name = std::string(200, 'M');
    s.surname = std::string(200, 'R');
    EXPECT_TRUE(encode_subject(s));
    s.given_name.clear();
    for (int i = 0; i < 200; ++i) s.given_name += "é";  // characters, not octets
    EXPECT_TRUE(encode_subject(s));
}

TEST(EncodeSubject, a_persons_name_does_not_depend_on_separators_inside_it) {
    Subject a = mario();
    a.common_name = "Mario Rossi, O=Bank";
    const auto name = encode_subject(a);
    ASSERT_TRUE(name);
    EXPECT_EQ(X509_NAME_entry_count(name->get()), 5);
    EXPECT_EQ(X509_NAME_get_index_by_NID(name->get(), NID_organizationName, -1), -1);
}

}  // namespace
}  // namespace sigillo
