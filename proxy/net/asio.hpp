// The part of Asio that the I/O shell uses, in one place: executors are concrete, so that nothing is type-erased per socket.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

namespace bastion::net {

using IoContext = boost::asio::io_context;
using Executor = IoContext::executor_type;
using Clock = std::chrono::steady_clock;
using Descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;
using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor>;

}  // namespace bastion::net
