# Times the calls of peers.csv with the packages that are installed, and installs nothing: Rscript peers.R SHARE
# Prints peer,call,trials,cpu_seconds,cpu_seconds_per_10000; packages that are absent, and calls that fail, are named on
# the error stream. SHARE of the trials of peers.csv are run (1 if it is not given).
share <- as.numeric(c(commandArgs(trailingOnly = TRUE), 1)[1])
target <- 0.25
truth <- c(0.05, 0.15, 0.30, 0.45)
skeleton <- function(model) dfcrm::getprior(0.05, target, 2, 4, model = model)

crm <- function(n, cohort, model) {
  dfcrm::crmsim(truth, skeleton(model), target, 30, 1, nsim = n, mcohort = cohort, model = model, method = "bayes")
}
selected <- function(design, n) escalation::simulate_trials(design, num_sims = n, true_prob_tox = truth)
up_to_30 <- function(design) escalation::stop_at_n(design, 30)
fast <- function(n, cohorts, size) {
  simFastBOIN::sim_boin(n, target, truth, n_cohort = cohorts, cohort_size = size, n_earlystop = 1000)
}

jobs <- list(
  list("BOIN", "get.oc ncohort=10 cohortsize=3", 2000, function(n) {
    BOIN::get.oc(target, truth, ncohort = 10, cohortsize = 3, ntrial = n)
  }),
  list("BOIN", "get.oc ncohort=30 cohortsize=1", 2000, function(n) {
    BOIN::get.oc(target, truth, ncohort = 30, cohortsize = 1, ntrial = n)
  }),
  list("Keyboard", "get.oc.kb ncohort=10 cohortsize=3", 2000, function(n) {
    Keyboard::get.oc.kb(target, truth, ncohort = 10, cohortsize = 3, ntrial = n)
  }),
  list("dfcrm", "crmsim n=30 mcohort=3 empiric bayes", 500, function(n) crm(n, 3, "empiric")),
  list("dfcrm", "crmsim n=30 mcohort=1 empiric bayes", 200, function(n) crm(n, 1, "empiric")),
  list("dfcrm", "crmsim n=30 mcohort=3 logistic bayes", 500, function(n) crm(n, 3, "logistic")),
  list("UBCRM", "ssim3p3", 5000, function(n) UBCRM::ssim3p3(truth, n)),
  list("bcrm", "threep3 (exact, de-escalation; one call)", 1, function(n) bcrm::threep3(truth)),
  list("escalation", "simulate_trials get_three_plus_three", 200, function(n) {
    selected(escalation::get_three_plus_three(num_doses = 4), n)
  }),
  list("escalation", "simulate_trials get_boin %>% stop_at_n(30) cohorts of 3", 40, function(n) {
    selected(up_to_30(escalation::get_boin(num_doses = 4, target = target)), n)
  }),
  list("escalation", "simulate_trials get_mtpi2 %>% stop_at_n(30) cohorts of 3", 40, function(n) {
    selected(up_to_30(escalation::get_mtpi2(
      num_doses = 4, target = target, epsilon1 = 0.05, epsilon2 = 0.05, exclusion_certainty = 0.95
    )), n)
  }),
  list("simFastBOIN", "BOIN 10 cohorts of 3", 10000, function(n) fast(n, 10, 3)),
  list("simFastBOIN", "BOIN 10 cohorts of 3 (200000 at once)", 200000, function(n) fast(n, 10, 3)),
  list("simFastBOIN", "BOIN 30 single patients", 10000, function(n) fast(n, 30, 1))
)

seconds <- function(call, trials) {
  gc()
  spent <- system.time(capture.output(suppressMessages(call(trials)), type = "output"))
  sum(spent[c("user.self", "sys.self")])
}
row <- function(...) cat(paste0('"', c(...), '"', collapse = ","), "\n", sep = "")

row("peer", "call", "trials", "cpu_seconds", "cpu_seconds_per_10000")
for (job in jobs) {
  once <- job[[3]] == 1
  trials <- if (once) 1 else max(round(share * job[[3]]), 2)
  if (!requireNamespace(job[[1]], quietly = TRUE)) {
    message(job[[1]], " is not installed: ", job[[2]], " is skipped")
    next
  }
  spent <- tryCatch(seconds(job[[4]], trials), error = function(fault) {
    message(job[[1]], ": ", job[[2]], " failed: ", conditionMessage(fault))
    NULL
  })
  if (!is.null(spent)) {
    name <- paste(job[[1]], utils::packageVersion(job[[1]]))
    row(name, job[[2]], trials, signif(spent, 4), if (once) "" else signif(1e4 * spent / trials, 4))
  }
}
