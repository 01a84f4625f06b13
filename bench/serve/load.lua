-- For wrk: ranges at random places where a file's size, a range's size and a seed are given; figures as one line.
function init(args)
  fileBytes, rangeBytes = tonumber(args[1]), tonumber(args[2])
  if fileBytes then
    math.randomseed(tonumber(args[3]))
    request = function()
      local start = math.random(0, fileBytes - rangeBytes)
      wrk.headers["Range"] = "bytes=" .. start .. "-" .. (start + rangeBytes - 1)
      return wrk.format()
    end
  end
end

function done(summary)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("figures %d %d %d %d", summary.duration, summary.requests, summary.bytes, failures))
end
