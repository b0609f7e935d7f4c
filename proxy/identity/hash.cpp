// Hashing a password by a credential's parameters, and comparing.
#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/mman.h>

#include <array>
#include <climits>
#include <memory>
#include <stdexcept>

#include "proxy/identity/password_file.hpp"
#include "proxy/identity/secret.hpp"

namespace bastion::identity {

namespace {

constexpr std::size_t hash_size_max = 64;
constexpr std::size_t new_salt_size = 12;
constexpr std::size_t new_argon2_salt_size = 64;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool sha512(const Credential& how, std::string_view password, std::span<std::uint8_t> out) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  unsigned size = 0;
  return context && out.size() == 64 && EVP_DigestInit_ex(context.get(), EVP_sha512(), nullptr) == 1 &&
         EVP_DigestUpdate(context.get(), password.data(), password.size()) == 1 &&
         EVP_DigestUpdate(context.get(), how.salt.data(), how.salt.size()) == 1 &&
         EVP_DigestFinal_ex(context.get(), out.data(), &size) == 1 && size == out.size();
}

bool pbkdf2(const Credential& how, std::string_view password, std::span<std::uint8_t> out) {
  if (how.iterations == 0 || how.iterations > INT_MAX) return false;
  const char* text = password.empty() ? "" : password.data();
  return PKCS5_PBKDF2_HMAC(text, static_cast<int>(password.size()), how.salt.data(), static_cast<int>(how.salt.size()),
                           static_cast<int>(how.iterations), EVP_sha512(), static_cast<int>(out.size()), out.data()) == 1;
}

// Straight from the kernel and back: malloc would keep such a block in the arena of the thread that freed it.
int map_memory(std::uint8_t** memory, std::size_t size) {
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return ARGON2_MEMORY_ALLOCATION_ERROR;
  // Where it fails, a core dump is only larger.
  (void)madvise(mapped, size, MADV_DONTDUMP);
  *memory = static_cast<std::uint8_t*>(mapped);
  return ARGON2_OK;
}

void unmap_memory(std::uint8_t* memory, std::size_t size) {
  munmap(memory, size);
}

bool argon2id(const Credential& how, std::string_view password, std::span<std::uint8_t> out) {
  argon2_context context{};
  context.out = out.data();
  context.outlen = static_cast<std::uint32_t>(out.size());
  // libargon2 writes to neither: it clears them only when a flag asks it to.
  context.pwd = const_cast<std::uint8_t*>(bytes_of(password));
  context.pwdlen = static_cast<std::uint32_t>(password.size());
  context.salt = const_cast<std::uint8_t*>(how.salt.data());
  context.saltlen = static_cast<std::uint32_t>(how.salt.size());
  context.t_cost = how.iterations;
  context.m_cost = how.memory_kib;
  context.lanes = how.lanes;
  // The lanes are part of the hash; the threads are not, and the pool alone decides how many there are.
  context.threads = 1;
  context.version = ARGON2_VERSION_13;
  context.allocate_cbk = &map_memory;
  context.free_cbk = &unmap_memory;
  context.flags = ARGON2_DEFAULT_FLAGS;
  return argon2id_ctx(&context) == ARGON2_OK;
}

bool compute(const Credential& how, std::string_view password, std::span<std::uint8_t> out) {
  if (password.size() > INT_MAX) return false;
  switch (how.scheme) {
    case Scheme::sha512:
      return sha512(how, password, out);
    case Scheme::pbkdf2:
      return pbkdf2(how, password, out);
    case Scheme::argon2id:
      return argon2id(how, password, out);
  }
  return false;
}

}  // namespace

bool verify(const Credential& credential, std::string_view password) {
  std::array<std::uint8_t, hash_size_max> computed{};
  const std::size_t size = credential.hash.size();
  if (size == 0 || size > computed.size()) return false;
  const bool done = compute(credential, password, {computed.data(), size});
  const bool equal = CRYPTO_memcmp(computed.data(), credential.hash.data(), size) == 0;
  wipe(computed);
  return done && equal && !credential.user_name.empty() && !password_is_ambiguous(credential.scheme, password);
}

bool password_is_ambiguous(Scheme scheme, std::string_view password) {
  return scheme == Scheme::pbkdf2 && password.ends_with('\0');
}

std::uint64_t memory_needed(const Credential& credential) {
  return credential.scheme == Scheme::argon2id ? std::uint64_t{credential.memory_kib} * 1024 : 0;
}

std::string password_line(std::string_view user_name, std::string_view password, const NewCredential& how) {
  Credential credential;
  credential.user_name = user_name;
  credential.scheme = how.scheme;
  credential.salt.resize(new_salt_size);
  credential.hash.resize(hash_size_max);
  if (how.scheme == Scheme::pbkdf2) credential.iterations = how.pbkdf2_iterations;
  if (how.scheme == Scheme::argon2id) {
    credential.iterations = how.argon2_iterations;
    credential.memory_kib = how.argon2_memory_kib;
    credential.lanes = 1;
    credential.salt.resize(new_argon2_salt_size);
  }
  if (RAND_bytes(credential.salt.data(), static_cast<int>(credential.salt.size())) != 1 ||
      !compute(credential, password, credential.hash)) {
    throw std::runtime_error("the password could not be hashed");
  }
  return entry_line(credential);
}

}  // namespace bastion::identity
